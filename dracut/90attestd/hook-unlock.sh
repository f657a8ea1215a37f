#!/bin/sh
# Sourced by dracut without systemd, again and again until the root is there. An unlock goes
# on in the background, since the same loop brings up the network that it needs.
while read -r _uuid _name; do
    if [ -e /run/attestd/first-boot ] && [ ! -e "/run/attestd/first-boot/$_name.started" ]; then
        : > "/run/attestd/first-boot/$_name.started"
        mkdir -p "/run/attestd/first-boot/$_name.pending"
        setsid /usr/lib/attestd/first-boot "$_name" < /dev/null &
    fi
    [ -d "/run/attestd/first-boot/$_name.pending" ] && continue
    [ -e "/dev/mapper/$_name" ] && continue
    [ -e "/run/attestd/started-$_name" ] && continue
    [ -b "/dev/disk/by-uuid/$_uuid" ] || continue
    : > "/run/attestd/started-$_name"
    mkdir -p "/run/attestd/pending/$_name"
    setsid /usr/lib/attestd/unlock-volume "$_name" "/dev/disk/by-uuid/$_uuid" < /dev/null &
done < /run/attestd/volumes
unset _uuid _name
