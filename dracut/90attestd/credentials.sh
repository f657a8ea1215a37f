# Sourced by the dracut module (bash) and by a hook in the initrd (sh).
# shellcheck shell=sh

# takes_credentials FILE…: prints those of the units and drop-ins that take any.
takes_credentials() {
    grep -lsE '^[[:space:]]*(LoadCredential|LoadCredentialEncrypted|ImportCredential)[[:space:]]*=' "$@"
}

# without_host_credentials UNIT FILE…: prints a drop-in that takes from the unit, which the
# files make up, every credential that PID 1 got from SMBIOS, fw_cfg, the EFI system
# partition or the command line. What it loads from a path of its own stays. Lists are
# emptied by an empty assignment (systemd.exec(5)).
without_host_credentials() {
    _kind=${1##*.}
    shift
    awk -v kind="$_kind" '
        /^[ \t]*(LoadCredential|LoadCredentialEncrypted|ImportCredential)[ \t]*=/ {
            key = $0; sub(/^[ \t]*/, "", key); sub(/[ \t]*=.*/, "", key)
            value = $0; sub(/^[^=]*=[ \t]*/, "", value)
            if (!(key in seen)) { seen[key] = 1; keys[++count] = key }
            if (value == "") kept[key] = ""
            else if (key != "ImportCredential" && value ~ /^[^:]+:\//) kept[key] = kept[key] key "=" value "\n"
        }
        END {
            if (count == 0) exit
            print "# Written by the dracut module of attestd: credentials from the host are not trusted."
            print "[" toupper(substr(kind, 1, 1)) substr(kind, 2) "]"
            for (i = 1; i <= count; i++) printf "%s=\n%s", keys[i], kept[keys[i]]
        }' "$@"
}
