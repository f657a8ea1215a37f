#!/bin/sh
# systemd.generator(7): a socket for the key of each volume that the command line, or the
# image's crypttab without a key file, names. Names as systemd-cryptsetup-generator(8) has them.
folder=$1/cryptsetup.target.wants

listen() {
    case $1 in
        '' | */*) return ;;
        *[!A-Za-z0-9:_.]*) _instance=$(systemd-escape -- "$1") || return ;;
        *) _instance=$1 ;;
    esac
    mkdir -p "$folder"
    ln -sf /usr/lib/systemd/system/attestd-unlock@.socket "$folder/attestd-unlock@$_instance.socket"
}

set -f
read -r line < /proc/cmdline
for word in $line; do
    case $word in
        rd.luks.name=*=*) listen "${word#*=*=}" ;;
        rd.luks.uuid=*)
            uuid=${word#*=}
            case " $line " in
                *" rd.luks.name=${uuid#luks-}="*) ;;
                *) listen "luks-${uuid#luks-}" ;;
            esac
            ;;
    esac
done
[ -r /etc/crypttab ] || exit 0
while read -r name _ key _; do
    case $name:$key in
        '#'* | :*) ;;
        *: | *:- | *:none) listen "$name" ;;
    esac
done < /etc/crypttab
