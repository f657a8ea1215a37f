#!/usr/bin/env bash
# A machine whose root opens by its vTPM alone, without any network: vtpm.sh BUILD [systemd|plain]
# [core]. Enrolled in a boot by the broker, signed by the owner for this firmware, kernel, command
# line and initrd. Refused with another command line, and when disk and TPM are not of one moment.
# core: enrolled from outside, without a broker and a counter; one refusal, and one boot.
# shellcheck source=tests/boot/vtpm-lib.sh
. "$(dirname "$0")/vtpm-lib.sh"

flavour=${2:-systemd}
core=${3:-}
a_disk && real_initrd "$flavour" || exit 1
disk_image=$work/disk.img disk_keeps=1
cp --sparse=always "$disk/disk.img" "$disk_image"

by_broker() {
  start_relying_party 5m
  claim "$flavour: a boot by the broker" boots "vtpm-$flavour-first" "$header_copy" "$any"
  claim "  reaches the root" shows "$reached"
  verified_by "$work/vm.toml" >/dev/null 2>&1
  cp "$evidence.json" "$work/first.json"
  claim "  the owner signs what its TPM quoted" sign "$owner/owner.key" --from "$work/first.json" -o "$work/signatures.json"
  signed "$work/signatures.json"
  machine=("${tpm_machine[@]}" -fw_cfg "name=opt/attestd/passphrase,file=$disk/key")
  claim "the same, which enrols the vTPM, with a counter" boots "vtpm-$flavour-enrol" "$header_copy" "$any"
  claim "  and says so" shows "boot-marker: enrolled"
  machine=("${tpm_machine[@]}") server_port=''
}
from_outside() {
  simulated_policy
  zero_values >"$work/values.json"
  claim "$flavour: the volume is enrolled" enrol_outside
  claim "the owner signs PCRs" sign "$owner/owner.key" --values "$work/values.json" -o "$work/signatures.json"
  signed "$work/signatures.json"
}
if [ -n "$core" ]; then from_outside; else by_broker; fi
no_network=1

claim "another command line: the machine ends" boots "vtpm-$flavour-command-line" "$header_copy" "$by_tpm" "$any"
differs="PCR 9 differs"
[ -z "$core" ] || differs="PCR 4, 7, 9 differ"
claim "  it is refused, and the PCR is named" shows "$differs from what the owner signed"
claim "  and the machine stops" stops_for "$refused"
values_now >"$work/values.json"
claim "the owner signs this command line too" sign "$owner/owner.key" --values "$work/values.json" --add-to "$work/signatures.json" -o "$work/signatures.json"
signed "$work/signatures.json"
keep before

claim "the machine boots by its vTPM, without a network" boots "vtpm-$flavour-alone" "$header_copy" "$by_tpm" "$any"
claim "  who isolates the TPM is not asked" shows "who isolates the TPM is not asked: rd.attestd.vtpm=any"
claim "  the key came from the TPM" shows "volume root: the key came from the TPM"
claim "  it reaches the root on the encrypted volume" shows "$reached from /dev/mapper/root"
claim "  no unit failed" shows "boot-marker: failed units: none"
claim "  PCR 15 is latched" hides "boot-marker: value of 15: 0000000000"
claim "  who asks again in this boot gets nothing" shows "boot-marker: asked again: status 1, 0 bytes"
claim "  since the latch is closed" shows "a volume was unlocked before in this boot: PCR 15 is extended"
echo "      $machine_took s, $(sed -n 's/^boot-marker: seconds to the key: //p' "$console") s to the key"

# What the host's vTPM may open, by a verifier outside. One policy says so, the other does not.
tells() { tr -s ' \n' '  ' <"$work/out" | grep -qF -- "$1"; }
# isolated_by NAME…: that policy, for such vTPMs, with storage and the boot chain.
isolated_by() {
  storage_policy vtpm <"$work/pinned.toml" | sed "s/^\(# *\)\{0,1\}isolation = .*/isolation = [$1]/"
}
claim "its evidence is there" verified_by "$work/vm.toml"
claim "  a policy is made from it" runs 0 policy init --from "$evidence.json" --trust-root "$work/vm/trust-root.pem" -o "$work/pinned.toml"
sed -i 's/^required = .*/required = ["hardware", "initial_state", "boot_chain"]/' "$work/pinned.toml"
isolated_by '"host"' >"$work/host.toml"
isolated_by '"vmpl", "paravisor", "nitro", "td"' >"$work/isolated.toml"
claim "  that allows the host's vTPM, and is content with storage" verified_by "$work/host.toml"
claim "  whose verdict says who keeps the key" tells "key from vtpm that the host keeps, which the policy accepts"
claim "  one that does not is not content" verified_by "$work/isolated.toml" 1
claim "  and says why" tells "has a key from a vTPM that nothing isolates from the host"
[ -z "$core" ] || finish

keep after
put_back before disk
claim "an older copy of the disk: the machine ends" boots "vtpm-$flavour-older-disk" "$header_copy" "$by_tpm" "$any"
claim "  it is refused as one" shows "the disk is an older copy: its header is of"
claim "  and the machine stops" stops_for "$refused"
put_back after disk && put_back before tpm
claim "an older state of the TPM: the machine ends" boots "vtpm-$flavour-older-tpm" "$header_copy" "$by_tpm" "$any"
claim "  it is refused as one" shows "the TPM's state is older than the disk"
claim "  and the machine stops" stops_for "$refused"
put_back after disk tpm
claim "both of today: the machine boots" boots "vtpm-$flavour-again" "$header_copy" "$by_tpm" "$any"
claim "  and reaches the root" shows "$reached from /dev/mapper/root"
finish
