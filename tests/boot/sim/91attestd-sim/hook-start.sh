#!/bin/sh
# Sourced by dracut without systemd, before udev finds any disk.
/usr/lib/attestd-sim/start > /run/attestd-sim.log 2>&1 &
echo $! > /run/attestd-sim.pid
_tries=0
while [ ! -s /run/attestd-sim/attestd.toml ] && [ $_tries -lt 600 ]; do
    sleep 0.1
    _tries=$((_tries + 1))
done
unset _tries
