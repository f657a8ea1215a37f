# Sourced by attestd's scripts in the initrd, and by the module that makes it. Functions only.
# shellcheck shell=sh

# file_setting KEY FILE: the text that an unlock.toml gives the key, in either of TOML's quotes.
file_setting() {
    sed -n -e "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*\"\([^\"]*\)\".*/\1/p" \
        -e "s/^[[:space:]]*$1[[:space:]]*=[[:space:]]*'\([^']*\)'.*/\1/p" "$2" 2> /dev/null
}

# setting KEY: the last word of the command line, or the image's setting, as attestd-unlock reads them.
setting() (
    set -f
    _value=$(file_setting "$1" /etc/attestd/unlock.toml)
    read -r _line < /proc/cmdline
    for _word in $_line; do
        case $_word in "rd.attestd.$1="*) _value=${_word#*=} ;; esac
    done
    echo "$_value"
)

# tell SENTENCE: to the console, even a quiet one, and to the journal.
tell() {
    echo "<2>attestd: $*" > /dev/kmsg
    if command -v plymouth > /dev/null && plymouth --ping 2> /dev/null; then
        plymouth display-message --text="attestd: $*" 2> /dev/null
    fi
    return 0
}

# end_mode: what an unlock that failed leads to. A word that we do not know means poweroff, the
# strictest.
end_mode() {
    _mode=$(setting end)
    case $_mode in
        reboot | emergency | prompt) echo "$_mode" ;;
        *) echo poweroff ;;
    esac
}

# unlock_budget: seconds that an unlock may take, as attestd-unlock counts them: plain on the command
# line, "500ms", "30s" or "5m" in the file. What is none of these, attestd-unlock refuses.
unlock_budget() {
    _budget=$(setting budget)
    _number=${_budget%%[!0-9]*}
    _unit=${_budget#"$_number"}
    _number=${_number#"${_number%%[!0]*}"}
    # No longer one is allowed, and none that the shell cannot count.
    case $_number in '' | ?????????*) _unit=none ;; esac
    case $_unit in
        ms) echo $(((_number + 999) / 1000)) ;;
        '' | s) echo "$_number" ;;
        m) echo $((_number * 60)) ;;
        *) echo 300 ;;
    esac
}

# first_boot_mode: what a disk that is no volume becomes, or nothing.
first_boot_mode() {
    _made=$(setting first-boot)
    [ "$_made" = none ] || echo "$_made"
}

# unlock_method: "broker", or "vtpm", which needs no network.
unlock_method() {
    _method=$(setting method)
    echo "${_method:-broker}"
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
    if with_systemd; then
        systemctl --force "$_action"
        sleep 10
    else
        attestd-unlock --off "$_action" 2> /dev/null
    fi
    case $_action in
        reboot) echo b > /proc/sysrq-trigger ;;
        poweroff) echo o > /proc/sysrq-trigger ;;
    esac
    while :; do sleep 60; done
}
