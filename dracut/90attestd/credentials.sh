# Sourced by the dracut module (bash) and by a hook in the initrd (sh).
# shellcheck shell=sh

# takes_credentials FILE…: prints those of the units and drop-ins that take any.
takes_credentials() {
    _last=''
    sed -s -n '/^[[:space:]]*\(LoadCredential\|LoadCredentialEncrypted\|ImportCredential\)[[:space:]]*=/F' "$@" 2> /dev/null |
        while IFS= read -r _file; do
            [ "$_file" = "$_last" ] || echo "$_file"
            _last=$_file
        done
}

# kept_credentials KEY LINES: of the assignments KEY=… among the lines the credentials that have a path of their own.
kept_credentials() {
    _kept=''
    while IFS= read -r _line; do
        _value=${_line#*=}
        case $_line in "$1="*) ;; *) continue ;; esac
        case $_value in
            # It empties the list.
            '') _kept='' ;;
            :*) ;;
            *:*) case ${_value#*:} in /*) [ "$1" = ImportCredential ] || _kept="$_kept$_line
" ;; esac ;;
        esac
    done << LINES
$2
LINES
    printf '%s' "$_kept"
}

# without_host_credentials UNIT FILE…: prints a drop-in that takes from the unit, which the
# files make up, every credential that PID 1 got from SMBIOS, fw_cfg, the EFI system
# partition or the command line. What it loads from a path of its own stays. Lists are
# emptied by an empty assignment (systemd.exec(5)).
without_host_credentials() {
    case ${1##*.} in
        service) _section=Service ;;
        socket) _section=Socket ;;
        mount) _section=Mount ;;
        swap) _section=Swap ;;
        *) return 0 ;;
    esac
    shift
    _taken=$(sed -n 's/^[[:space:]]*\(LoadCredential\|LoadCredentialEncrypted\|ImportCredential\)[[:space:]]*=[[:space:]]*/\1=/p' "$@")
    [ -n "$_taken" ] || return 0
    echo "# Written by the dracut module of attestd: credentials from the host are not trusted."
    echo "[$_section]"
    for _key in ImportCredential LoadCredential LoadCredentialEncrypted; do
        case "
$_taken" in
            *"
$_key="*)
                echo "$_key="
                kept_credentials "$_key" "$_taken"
                ;;
        esac
    done
}
