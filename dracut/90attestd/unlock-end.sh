#!/bin/sh
# What follows when a volume cannot be unlocked. In a confidential VM the console belongs to
# the host: a shell or a prompt on it, in an initrd that measures as the right one, would be
# the host's. So the machine ends, unless its measured configuration says otherwise.
#
#   unlock-end failed WHAT  WHAT is a unit of systemd without its suffix, or a sentence
#   unlock-end shell        before an emergency shell: returns only where one may be had
#   unlock-end ask TOOL…    somebody is to be asked for a passphrase: by TOOL where that may be

# shellcheck source=/dev/null
type getarg > /dev/null 2>&1 || . /lib/dracut-lib.sh
# shellcheck source=dracut/90attestd/unlock-lib.sh
. /usr/lib/attestd/unlock-lib.sh

mode=$(end_mode)
verb=$1
shift

# key_failure VOLUME: why its key did not come, or nothing. Who waited for the key fails at the
# same moment as who asked for it, so this waits a little for the latter's status.
key_failure() {
    with_systemd || return 0
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        _shown=$(systemctl show --property=ActiveState,Result,ExecMainStatus "attestd-unlock@$1.service")
        case $_shown in
            *ActiveState=active* | *ActiveState=activating* | *ActiveState=deactivating*) sleep 0.5 ;;
            *Result=success*) return 0 ;;
            *)
                _code=${_shown#*ExecMainStatus=}
                case $_shown:${_code%%[!0-9]*} in
                    *Result=exit-code*:1) echo "the key of volume $1 was refused" ;;
                    *:*) echo "there is no key for volume $1 (status ${_code%%[!0-9]*})" ;;
                esac
                return 0
                ;;
        esac
    done
}

# Sentences for the units that may fail, others as they are.
why() {
    case $1 in
        attestd-first-boot@*) echo "the first boot of volume ${1#*@} did not make it" ;;
        attestd-unlock@* | systemd-cryptsetup@*)
            _why=$(key_failure "${1#*@}")
            echo "${_why:-volume ${1#*@} did not open with the key that came}"
            ;;
        *) echo "$1" ;;
    esac
}

# What to say instead of asking: the first key that did not come, or that none was right.
unasked() {
    for _unit in $(with_systemd && systemctl list-units --all --plain --no-legend 'attestd-unlock@*.service' | sed 's/\.service .*//'); do
        _why=$(key_failure "${_unit#*@}")
        [ -z "$_why" ] || break
    done
    echo "${_why:-no key opened the volume, and nobody is asked for a passphrase on the console}"
}

case $verb in
    failed)
        reason=$(why "$1")
        case $mode in
            poweroff | reboot) end_now "$mode" "$reason" ;;
            emergency)
                tell "$reason; rd.attestd.end=emergency: a shell on the console"
                with_systemd && systemctl --no-block isolate emergency.target
                ;;
            prompt)
                # systemd-cryptsetup asks before it fails: nobody has been asked who knew.
                case $1 in
                    attestd-unlock@*) tell "$reason" ;;
                    *) end_now poweroff "$reason" ;;
                esac
                ;;
        esac
        ;;
    shell)
        [ "$mode" != emergency ] || exit 0
        end_now "$mode" "the boot failed, and there is no shell for whoever holds the console"
        ;;
    ask)
        case $mode in
            prompt | emergency)
                tell "rd.attestd.end=$mode: a passphrase may be given on the console"
                exec "$@"
                ;;
        esac
        end_now "$mode" "$(unasked)"
        ;;
    *)
        echo "usage: unlock-end failed WHAT | shell | ask TOOL…" >&2
        exit 2
        ;;
esac
