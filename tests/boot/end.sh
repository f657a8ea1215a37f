#!/usr/bin/env bash
# rd.attestd.end= chooses what follows a refusal: a reboot, a prompt, a shell. The last two only
# by the machine's own command line, which is measured.
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

standin_program && a_disk && systemd_initrd || exit 1
start_server refuse
claim "reboot: the machine ends" boots end-reboot "$header_copy" rd.attestd.end=reboot
claim "reboot: it says so" shows "attestd: rebooting"
claim "reboot: it did" shows "reboot: Restarting system"

# offers TEXT [WORD…]: the machine shows the text and goes on.
offers() {
  local text=$1
  shift
  start_machine "end-$1" "$header_copy" "rd.attestd.end=$1" && says "$text" "$boot_limit" && sleep 5 && kill -0 "$machine_process"
}
start_server wrong
claim "prompt: after a wrong key a passphrase is asked for on the console" offers "nter passphrase for" prompt
end_process "$machine_process"
claim "prompt: it says that it is allowed" shows "rd.attestd.end=prompt"
start_server refuse
claim "prompt: without a header that was judged the machine ends" boots end-prompt-refused "$header_copy" rd.attestd.end=prompt
claim "prompt: without a header that was judged nobody is asked" stops_for "attestd: the key of volume root was refused"
claim "emergency: a shell is offered on the console" offers "Entering emergency mode" emergency
end_process "$machine_process"
claim "emergency: it says that it is allowed" shows "rd.attestd.end=emergency"

# Another word is not a way to a shell.
claim "a word that nobody knows: the machine ends" boots end-unknown "$header_copy" rd.attestd.end=shell
claim "a word that nobody knows: it powers off" stops_for "attestd: the key of volume root was refused"
# A boot that fails for another reason: what dracut answers with a shell.
start_server key
claim "a root that is not there: the machine ends" boots end-no-root "$header_copy" rd.retry=8 root=/dev/mapper/none
claim "a root that is not there: no shell" stops_for "attestd: the boot failed, and there is no shell for whoever holds the console"
finish
