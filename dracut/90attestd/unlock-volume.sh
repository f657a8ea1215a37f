#!/bin/sh
# unlock-volume NAME DEVICE: opens one LUKS2 volume, in an initrd without systemd. The key
# goes through a pipe, never a file; cryptsetup sees the header that attestd-unlock has
# judged, never the one that is on the disk by now.
# shellcheck source=/dev/null
type getarg > /dev/null 2>&1 || . /lib/dracut-lib.sh
# shellcheck source=dracut/90attestd/unlock-lib.sh
. /usr/lib/attestd/unlock-lib.sh

name=$1 device=$2
header=/run/attestd/headers/$name
status=/run/attestd/status-$name
pending=/run/attestd/pending/$name

fail() {
    rmdir "$pending" 2> /dev/null
    # Without a header that was judged, no passphrase is worth asking for.
    if [ "$(end_mode)" = prompt ] && [ -s "$header" ]; then
        tell "$1; rd.attestd.end=prompt: a passphrase may be given on the console"
        cryptsetup open --type luks2 --header "$header" "$device" "$name" < /dev/console > /dev/console 2>&1 && exit 0
        end_now poweroff "the passphrase did not open volume $name"
    fi
    exec /usr/lib/attestd/unlock-end failed "$1"
}

# The header is there before the first byte of the key.
open_volume() {
    until [ -s "$header" ]; do
        # Looked at once more, since both may have come between two looks.
        [ ! -e "$status" ] || [ -s "$header" ] || return 1
        sleep 0.1
    done
    cryptsetup open --type luks2 --key-file=- --header "$header" "$device" "$name"
}

rm -f "$header" "$status"
# attestd-unlock does not wait for a network that is not there yet, it tries again; so name servers
# may come meanwhile.
name_servers() {
    until [ -e "$status" ]; do
        if [ -n "$(sed -n 's/^DNS=//p' /run/systemd/netif/state 2> /dev/null)" ]; then
            /usr/lib/attestd/resolv-conf
            return
        fi
        sleep 0.1
    done
}
[ ! -s /run/attestd/network.pid ] || name_servers &
{
    attestd-unlock --once --name "$name" --device "$device" --header-out "$header" 2> /dev/console
    echo $? > "$status.new"
    mv "$status.new" "$status"
} | open_volume > /dev/console 2>&1
opened=$?
# cryptsetup may have given up before attestd-unlock.
until [ -e "$status" ]; do sleep 0.1; done
read -r code < "$status"

# 141: cryptsetup would not even read the key.
case $code in
    0 | 141) [ $opened -eq 0 ] || fail "volume $name did not open with the key that came" ;;
    1) fail "the key of volume $name was refused" ;;
    *) fail "there is no key for volume $name (status $code)" ;;
esac
rmdir "$pending"
