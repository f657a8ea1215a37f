#!/bin/sh
# Sourced by dracut when the root is mounted. PID 1 takes the host's credentials once more in
# the real root, so its units are told the same as the initrd's. /run outlives the initrd.
# shellcheck source=dracut/90attestd/credentials.sh
. /usr/lib/attestd/credentials.sh

# Which file belongs to which unit: a drop-in to the one that its folder names.
for _unit in $(takes_credentials "$NEWROOT"/usr/lib/systemd/system/*.* "$NEWROOT"/etc/systemd/system/*.* \
    "$NEWROOT"/usr/lib/systemd/system/*.d/*.conf "$NEWROOT"/etc/systemd/system/*.d/*.conf); do
    _name=${_unit##*/}
    case $_name in *.conf) _name=${_unit%/*} && _name=${_name##*/} && _name=${_name%.d} ;; esac
    case $_name in
        *.service | *.socket | *.mount | *.swap) ;;
        *) continue ;;
    esac
    mkdir -p "/run/systemd/system/$_name.d"
    echo "$_unit" >> "/run/systemd/system/$_name.d/attestd-files"
done
for _list in /run/systemd/system/*.d/attestd-files; do
    [ -e "$_list" ] || break
    _name=${_list%.d/*}
    # shellcheck disable=SC2046 # one argument a file; names of units have no spaces
    without_host_credentials "${_name##*/}" $(cat "$_list") > "${_list%/*}/zz-attestd-credentials.conf"
    rm -f "$_list"
done
unset _unit _name _list

# The real root has a networkd of its own. With systemd the units see to that.
if [ -s /run/attestd/network.pid ]; then
    read -r _network < /run/attestd/network.pid
    kill "$_network"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ -e "/proc/$_network/exe" ] || break
        sleep 0.1
    done
    rm -f /run/attestd/network.pid /run/attestd/network.log
    unset _network
fi
