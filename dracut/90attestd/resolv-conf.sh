#!/bin/sh
# /etc/resolv.conf of the initrd, from what networkd learnt. There is no systemd-resolved.
state=/run/systemd/netif/state
[ -r $state ] || exit 0
# Somebody who put resolved into the image has a link here.
[ ! -L /etc/resolv.conf ] || exit 0
servers=$(sed -n 's/^DNS=//p' $state)
[ -n "$servers" ] || exit 0
for server in $servers; do
    # address%interface:port#name (networkd's file, not an interface): the address alone.
    server=${server%%#*}
    echo "nameserver $server"
done > /etc/resolv.conf.new
mv /etc/resolv.conf.new /etc/resolv.conf
