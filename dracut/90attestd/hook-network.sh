#!/bin/sh
# Sourced by dracut without systemd when udev runs, before it looks for devices: networkd, with
# what ip= says or our DHCP. It ends before the real root begins (hook-pre-pivot.sh).
mkdir -p /run/attestd /run/systemd
# DHCPv6 wants a name for the machine, and this one lasts as long as the initrd.
if [ ! -s /etc/machine-id ]; then
    read -r _id < /proc/sys/kernel/random/uuid
    echo "$_id" | sed 's/-//g' > /etc/machine-id
fi
[ ! -x /usr/lib/systemd/systemd-network-generator ] || /usr/lib/systemd/systemd-network-generator
/usr/lib/systemd/systemd-networkd < /dev/null > /run/attestd/network.log 2>&1 &
echo $! > /run/attestd/network.pid
unset _id
