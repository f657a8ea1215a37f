#!/usr/bin/env bash
# A machine whose root is encrypted comes up by itself with the key from a broker that believed
# its evidence, and its agent says so; with systemd in the initrd and without:
# attested.sh BUILD [systemd|plain].
# shellcheck source=tests/boot/attested-lib.sh
. "$(dirname "$0")/attested-lib.sh"

flavours=("${2:-systemd}")
[ -n "${2:-}" ] || flavours+=(plain)
a_disk || exit 1
start_relying_party 5m
# Without a TPM there is no boot chain, so storage can be no yes here (attested-measured.sh has one).
storage_policy vtpm <"$work/vm.toml" >"$work/vtpm.toml"

says_of_root() { tells "/ (/dev/mapper/root) is encrypted by aes-xts-plain64 without integrity, $1"; }
size_of() { echo $(($(stat -c %s "$initrd") / 1024)); }
for flavour in "${flavours[@]}"; do
  real_initrd "$flavour" || exit 1
  claim "$flavour: the machine boots and powers off" boots "attested-$flavour" "$header_copy"
  claim "$flavour: the key came from the broker" shows "the key came from $relying_party as $resource"
  claim "$flavour: it reaches the root on the encrypted volume" shows "$reached from /dev/mapper/root"
  claim "$flavour: the volume is LUKS2" shows "dm root CRYPT-LUKS2"
  claim "$flavour: no unit failed" shows "boot-marker: failed units: none"
  claim "$flavour: the agent in the root gave its evidence" shows "boot-marker: evidence written"
  claim "$flavour: a verifier outside believes it" verified_by "$work/vm.toml"
  claim "$flavour: the root's key is said to come from the broker" says_of_root "key from broker"
  claim "$flavour: one who wants the key to be a vTPM's is not" verified_by "$work/vtpm.toml" 1
  took="$machine_took s, of which $(sed -n 's/^boot-marker: seconds to the key: //p' "$console") s from attestd-unlock's start to the key"
  whole=$(size_of)
  our_initrd "$flavour" && ours=$(size_of) && bare_initrd "$flavour" && bare=$(size_of) || exit 1
  echo "      $flavour: $took; initrd $ours KiB, without the module $bare KiB, with the simulated device $whole KiB"
done
admin audit show --count 100
claim "the broker has it in its log" grep -q "\"event\":\"release\",\"decision\":\"released\".*\"resource\":\"$resource\"" "$work/admin"
finish
