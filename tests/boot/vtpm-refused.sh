#!/usr/bin/env bash
# What a machine whose root opens by its vTPM does where it must not: vtpm-refused.sh BUILD
# [systemd|plain]. Each boot says why, stops, and reaches no root. The volume is enrolled from outside, on
# the TPM's state, for PCRs that no boot has; these refusals come before any PCR, but for the last.
# shellcheck source=tests/boot/vtpm-lib.sh
. "$(dirname "$0")/vtpm-lib.sh"

flavour=${2:-systemd}
a_disk && real_initrd "$flavour" || exit 1
disk_image=$work/disk.img no_network=1
cp --sparse=always "$disk/disk.img" "$disk_image"

# refuses NAME SENTENCE [WORD…]
refuses() {
  claim "$1: the machine ends" boots "vtpm-refused-$flavour-${1// /-}" "$header_copy" "$by_tpm" "${@:3}"
  claim "  it is refused, and says why" shows "$2"
  claim "  and the machine stops" stops_for "$refused"
}

zero_values >"$work/values.json"
claim "$flavour: the volume is enrolled" enrol_outside
claim "the owner signs PCRs" sign "$owner/owner.key" --values "$work/values.json" -o "$work/signatures.json"
signed "$work/signatures.json"
refuses "a TPM that nobody isolates" "no secret is asked of this TPM"
refuses "a boot that was not signed" "PCR 4, 7, 9 differ from what the owner signed" "$any"
claim "another signs instead" sign "$owner/other.key" --values "$work/values.json" -o "$work/other.json"
signed "$work/other.json"
refuses "another's signature" "no PCR policy is signed by the owner's key" "$any"
rm -f "$work/tpm/tpm2-00.permall"
# Not a refusal: whoever asks finds that the TPM is another.
refused="attestd: there is no key for volume root (status 2)"
refuses "a vTPM that was cleared" "the TPM was cleared" "$any"
finish
