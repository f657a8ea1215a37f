# Sourced by attestd's scripts in the initrd, after /lib/dracut-lib.sh.
# shellcheck shell=sh

# tell SENTENCE: to the console, even a quiet one, and to the journal.
tell() {
    echo "<2>attestd: $*" > /dev/kmsg
    if command -v plymouth > /dev/null && plymouth --ping 2> /dev/null; then
        plymouth display-message --text="attestd: $*" 2> /dev/null
    fi
    return 0
}

# end_mode: what an unlock that failed leads to. The command line wins over the image; a
# word that we do not know means poweroff, the strictest.
end_mode() {
    _mode=$(getarg rd.attestd.end=)
    [ -n "$_mode" ] || _mode=$(sed -n 's/^[[:space:]]*end[[:space:]]*=[[:space:]]*"\([a-z]*\)".*/\1/p' /etc/attestd/unlock.toml 2> /dev/null)
    case $_mode in
        reboot | emergency | prompt) echo "$_mode" ;;
        *) echo poweroff ;;
    esac
}

# unlock_budget: seconds that an unlock may take, as attestd-unlock counts them.
unlock_budget() {
    _budget=$(getarg rd.attestd.budget=)
    [ -n "$_budget" ] || _budget=$(sed -n 's/^[[:space:]]*budget[[:space:]]*=[[:space:]]*"\([0-9]*\)s".*/\1/p' /etc/attestd/unlock.toml 2> /dev/null)
    [ -n "$_budget" ] || _budget=$(($(sed -n 's/^[[:space:]]*budget[[:space:]]*=[[:space:]]*"\([0-9]*\)m".*/\1/p' /etc/attestd/unlock.toml 2> /dev/null) * 60))
    [ "$_budget" != 0 ] || _budget=''
    case $_budget in
        '' | *[!0-9]*) echo 300 ;;
        *) echo "$_budget" ;;
    esac
}

# with_systemd: whether systemd is PID 1.
with_systemd() { [ -S /run/systemd/private ]; }

# end_now ACTION REASON: powers off or reboots, and does not return.
end_now() {
    _action=$1 _reason=$2
    mkdir -p /run/attestd
    # One end is enough; whoever comes later waits for it.
    while ! mkdir /run/attestd/ending 2> /dev/null; do sleep 60; done
    [ "$_action" = reboot ] || _action=poweroff
    tell "$_reason"
    case $_action in
        reboot) tell "rebooting" ;;
        poweroff) tell "powering off" ;;
    esac
    sleep 2
    # Nothing is mounted that would need more care: services are killed, not stopped.
    if with_systemd; then systemctl --force "$_action"; else systemctl --force --force "$_action"; fi
    sleep 10
    case $_action in
        reboot) echo b > /proc/sysrq-trigger ;;
        poweroff) echo o > /proc/sysrq-trigger ;;
    esac
    while :; do sleep 60; done
}
