#!/bin/sh
# Sourced by dracut without systemd: the root starts it anew.
read -r _process < /run/attestd-sim.pid && kill "$_process"
while [ -e "/proc/$_process" ]; do sleep 0.1; done
unset _process
