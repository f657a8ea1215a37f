#!/bin/sh
# Sourced by dracut without systemd, after its own crypt module has read the command line:
# volumes that it names are ours to open, and nobody is asked for a passphrase.
# shellcheck source=dracut/90attestd/unlock-lib.sh
. /usr/lib/attestd/unlock-lib.sh
# dracut's own network is made only where something asks for it, and then waited for.
if [ -e /usr/lib/attestd/dracut-network ] && [ "$(unlock_method)" != vtpm ]; then
    echo rd.neednet=1 > /etc/cmdline.d/90attestd.conf
fi
mkdir -p /run/attestd/headers /run/attestd/pending
[ -z "$(first_boot_mode)" ] || mkdir -p /run/attestd/first-boot
: > /run/attestd/volumes
for _pair in $(getargs rd.luks.name=); do
    case ${_pair#*=} in
        '' | */* | .*) warn "attestd: rd.luks.name=$_pair names no volume" ;;
        *)
            echo "${_pair%%=*} ${_pair#*=}" >> /run/attestd/volumes
            wait_for_dev "/dev/mapper/${_pair#*=}" 0
            ;;
    esac
done
# shellcheck disable=SC2154 # dracut's own folder of hooks
if [ -s /run/attestd/volumes ]; then
    rm -f /etc/udev/rules.d/70-luks.rules "$hookdir/initqueue/finished/90-crypt.sh"
fi
unset _pair
