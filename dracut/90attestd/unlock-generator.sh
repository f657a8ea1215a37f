#!/bin/sh
# systemd.generator(7): a socket for the key of each volume that the command line, or the
# image's crypttab without a key file, names. Names as systemd-cryptsetup-generator(8) has them.
folder=$1/cryptsetup.target.wants
units=$1

# shellcheck source=dracut/90attestd/unlock-lib.sh
. /usr/lib/attestd/unlock-lib.sh

# by_method INSTANCE UUID: what the volume's service needs of its own. A TPM's counter is noted in
# the header of this volume, and of no other.
by_method() {
    case $(unlock_method):$2 in
        vtpm: | vtpm:*[!0-9A-Fa-f-]*) ;;
        vtpm:*)
            mkdir -p "$units/attestd-unlock@$1.service.d"
            {
                printf '[Service]\nDeviceAllow=/dev/disk/by-uuid/%s rw\n' "$2"
                # The one question that may be asked, and by nobody but attestd-unlock.
                [ "$(setting pin)" != console ] || echo 'DeviceAllow=/dev/console rw'
            } > "$units/attestd-unlock@$1.service.d/attestd.conf"
            ;;
    esac
}

# listen NAME UUID
listen() {
    case $1 in
        '' | */*) return ;;
        *[!A-Za-z0-9:_.]*) _instance=$(systemd-escape -- "$1") || return ;;
        *) _instance=$1 ;;
    esac
    mkdir -p "$folder"
    ln -sf /usr/lib/systemd/system/attestd-unlock@.socket "$folder/attestd-unlock@$_instance.socket"
    by_method "$_instance" "$2"
}

# first_boot UUID NAME: before the volume NAME is opened it may have to be made, which takes
# longer than PID 1 waits for a device.
first_boot() {
    case $2 in
        '' | */*) return ;;
        *[!A-Za-z0-9:_.]*) _instance=$(systemd-escape -- "$2") || return ;;
        *) _instance=$2 ;;
    esac
    mkdir -p "$folder"
    ln -sf /usr/lib/systemd/system/attestd-first-boot@.service "$folder/attestd-first-boot@$_instance.service"
    if [ "$made" = format ]; then
        mkdir -p "$units/attestd-first-boot@$_instance.service.d"
        ln -sf /usr/lib/attestd/first-boot-format.conf "$units/attestd-first-boot@$_instance.service.d/format.conf"
    fi
    _device="$units/dev-disk-by\\x2duuid-$(echo "${1#luks-}" | sed 's/-/\\x2d/g').device.d"
    mkdir -p "$_device"
    printf '[Unit]\nJobTimeoutSec=infinity\nJobRunningTimeoutSec=infinity\n' > "$_device/attestd.conf"
}

set -f
read -r line < /proc/cmdline
made=$(first_boot_mode)
for word in $line; do
    case $word in
        rd.luks.name=*=*)
            uuid=${word#*=}
            listen "${word#*=*=}" "${uuid%%=*}"
            case $made in
                '') ;;
                *) first_boot "${uuid%%=*}" "${word#*=*=}" ;;
            esac
            ;;
        rd.luks.uuid=*)
            uuid=${word#*=}
            case " $line " in
                *" rd.luks.name=${uuid#luks-}="*) ;;
                *) listen "luks-${uuid#luks-}" "${uuid#luks-}" ;;
            esac
            ;;
    esac
done
[ -r /etc/crypttab ] || exit 0
while read -r name device key _; do
    case $name:$key in
        '#'* | :*) ;;
        *: | *:- | *:none) listen "$name" "${device#UUID=}" ;;
    esac
done < /etc/crypttab
