#!/usr/bin/env bash
# Under UEFI firmware with a TPM: a policy that pins what the firmware and the kernel's stub measure
# releases the key to this kernel, this command line and this initrd, and to no other.
# shellcheck source=tests/boot/attested-lib.sh
. "$(dirname "$0")/attested-lib.sh"

use_firmware ovmf
a_disk && real_initrd systemd || exit 1
start_relying_party 5m
refused="attestd: the key of volume root was refused"

claim "the machine boots" boots measured-first "$header_copy"
claim "it reaches the root" shows "$reached"
claim "its evidence is good by the policy of before" verified_by "$work/vm.toml"
cp "$evidence.json" "$work/first.json"
claim "a policy is made from it" runs 0 policy init --from "$work/first.json" --trust-root "$work/vm/trust-root.pem" -o "$work/pinned.toml"
# swtpm is the host's: whoever pins its registers must say so. PCR 4 has the kernel, 9 its command
# line and initrd, which policy init sees in the log.
sed -i -e 's/^required = .*/required = ["hardware", "initial_state", "boot_chain"]/' \
  -e 's/^\(# *\)\{0,1\}isolation = .*/isolation = ["host"]/' "$work/pinned.toml"
for pcr in 4 9; do
  value=$(sed -n "s/^boot-marker: PCR $pcr is //p" "$console" | tr 'A-F' 'a-f')
  claim "it pins PCR $pcr" grep -q "^$pcr = \"$value\"" "$work/pinned.toml"
done
sed -n '/^\[vtpm/,/^\[trust/p' "$work/pinned.toml" | sed 's/^/      /'
claim "the broker takes the policy" admin policy put vm "$work/pinned.toml"

claim "the same machine boots again" boots measured-again "$header_copy"
claim "it reaches the root" shows "$reached"
storage_policy broker <"$work/pinned.toml" >"$work/storage.toml"
storage_policy vtpm <"$work/pinned.toml" >"$work/vtpm.toml"
claim "a verifier outside is content with its storage" verified_by "$work/storage.toml"
sed -n '/storage tampered/,+2p' "$work/out" | sed 's/^/      /'
claim "one who wants the key to be a vTPM's is not" verified_by "$work/vtpm.toml" 1
echo "      $machine_took s, $(sed -n 's/^boot-marker: seconds to the key: //p' "$console") s to the key"

claim "another command line: the machine ends" boots measured-command-line "$header_copy" rd.attestd.end=reboot attested.changed=1
claim "another command line: it is refused" shows "no policy trusts this evidence"
claim "another command line: the root is not reached" hides "$reached"
admin audit show --count 5
cp "$work/admin" "$work/audit-command-line"

patched_initrd changed etc/attestd-changed || exit 1
claim "another initrd: the machine ends" boots measured-initrd "$header_copy"
claim "another initrd: it is refused" shows "no policy trusts this evidence"
claim "another initrd: it powers off" stops_for "$refused"
finish
