#!/usr/bin/env bash
# A volume that may not be opened: the machine says why and powers off. No shell, no prompt.
# With systemd in the initrd, or without, and one case alone: refused.sh BUILD [systemd|plain [NAME]].
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

flavours=("${2:-systemd}")
[ -n "${2:-}" ] || flavours+=(plain)
only=${3:-}
standin_program || exit 1

# stop TEXT NAME MODE SYSTEMD_REASON PLAIN_REASON [WORD…]: one boot of each flavour, at a
# server of that mode.
stop() {
  local text=$1 name=$2 mode=$3 flavour reason
  [ -z "$only" ] || [ "$only" = "$name" ] || return 0
  declare -A reasons=([systemd]=$4 [plain]=$5)
  shift 5
  server_port=''
  [ "$mode" = absent ] || start_server "$mode"
  for flavour in "${flavours[@]}"; do
    "${flavour}_initrd" || exit 1
    reason=${reasons[$flavour]}
    claim "$flavour: $text: the machine ends by itself" boots "$name-$flavour" "$header_copy" "$@"
    claim "$flavour: $text: it says \"$reason\"" stops_for "attestd: $reason"
    echo "      $name-$flavour: ${machine_took} s"
  done
}

unopened="volume root did not open with the key that came"
unasked="no key opened the volume, and nobody is asked for a passphrase on the console"
a_disk || exit 1
stop "a key that is refused" refused refuse "the key of volume root was refused" "the key of volume root was refused"
stop "an empty key" empty empty "$unasked" "$unopened"
stop "a wrong key" wrong wrong "$unasked" "$unopened"
# The same for those who follow the advice to say so on the command line.
header_copy+=,headless=1
[ "${flavours[*]}" = plain ] || stop "a wrong key where nobody may be asked" headless wrong "$unopened" "$unopened"
header_copy=${header_copy%,*}

# Tries go on for longer than dracut's own patience, which is 4 s here.
stop "no server" absent absent "there is no key for volume root (status 2)" "there is no key for volume root (status 2)" \
  rd.attestd.budget=20 rd.retry=4
[ "${only:-absent}" != absent ] || claim "it tried again before" shows "the next try is in 2 s"

# The copy of the header decides, not what is on the disk: a damaged copy of a good header.
stop "a copy of the header that is not one" damage damage "$unopened" "$unopened"

a_forged_disk || exit 1
stop "a header that does not encrypt" forged key "the key of volume root was refused" "the key of volume root was refused"
[ "${only:-forged}" != forged ] || claim "the program said so" shows "is refused: it does not encrypt the data"
finish
