#!/usr/bin/env bash
# A machine whose root is plain encrypts it at its first boot, by a token and a broker that believed its evidence,
# and reaches it in the same boot; what the host makes of disk and token is refused:
# first-boot.sh BUILD [systemd|plain [refused|made]].
# shellcheck source=tests/boot/attested-lib.sh
. "$(dirname "$0")/attested-lib.sh"

flavour=${2:-systemd}
groups=("${3:-refused}")
[ -n "${3:-}" ] || groups+=(made)
# An emulated processor encrypts a root in a minute or more.
boot_limit=${BOOT_LIMIT:-1200}
a_disk && real_initrd "$flavour" || exit 1
start_relying_party 5m
admin remove "$resource" || exit 1

# The image as somebody built it, on a disk with room for a header.
disk_image=$work/disk.img disk_keeps=1
plain_disk() { cp --sparse=always "$root" "$disk_image" && truncate -s +20M "$disk_image"; }
image=$(sha256sum <"$root" | cut -d ' ' -f 1)
first="$header_copy rd.attestd.first-boot=encrypt rd.attestd.image=sha256:$image rd.attestd.device=/dev/vda"
known=boot-marker # a name in every root
with_token() { machine=("${with_evidence[@]}" -fw_cfg "name=opt/attestd/enrolment-token,string=$1"); }
new_token() { admin enrolment token "$resource" --policy vm && with_token "$(cat "$work/admin")"; }
the_end="attestd: the first boot of volume root"
# stop TEXT NAME REASON: the machine ends by itself, with that on the console.
stop() {
  claim "$flavour: $1: the machine ends by itself" boots "first-boot-$2-$flavour" "$first"
  claim "$flavour: $1: it says \"$3\"" shows "$3"
  claim "$flavour: $1: it powers off" stops_for "$the_end"
}

# What is refused before there is a volume.
refused_boots() {
  plain_disk
  claim "$flavour: the image has what is looked for" grep -qaF "$known" "$disk_image"
  stop "no token" no-token "there is no enrolment token"
  with_token "$(printf '%064d' 7)"
  stop "another token" other-token "there is no such enrolment token"
  claim "$flavour: the disk is as it was" cmp -n "$(stat -c %s "$root")" "$root" "$disk_image"

  new_token
  printf 'the host was here' | dd of="$disk_image" bs=1 seek=20000000 conv=notrunc status=none
  stop "an altered image" altered "the disk was changed, and is left as noise"
  claim "$flavour: an altered image: there is no volume" not cryptsetup isLuks "$disk_image"

  admin remove "$resource"
  plain_disk
  new_token
  start_machine "first-boot-cut-$flavour" "$first"
  claim "$flavour: encryption begins" says "is being encrypted" 200
  sleep 1
  kill -KILL "$machine_process"
  wait "$machine_process" 2>/dev/null
  stop "a first boot that was cut off" interrupted "did not end: put the image back"
  admin remove "$resource"
}

says_how() {
  local how='.storage[] | select(.mount_point == "/") | .first_boot == "encrypted" and (.image_sha256 | length) == 43'
  equal "$(part statement "$evidence.json" | jq "$how")" true
}
# The volume is made, and everything that comes after.
made_boots() {
  local spent
  plain_disk
  new_token
  spent=("${machine[@]}")
  claim "$flavour: a plain root and a token: the machine boots" boots "first-boot-$flavour" "$first"
  claim "$flavour: it is encrypted" shows "volume root: encrypted; its image has the digest $image"
  claim "$flavour: the broker knows its header" shows "the broker knows its LUKS2 header"
  claim "$flavour: it reaches the root in the same boot" shows "$reached from /dev/mapper/root"
  claim "$flavour: the volume is LUKS2" shows "dm root CRYPT-LUKS2"
  claim "$flavour: no unit failed" shows "boot-marker: failed units: none"
  claim "$flavour: a verifier outside believes it" verified_by "$work/vm.toml"
  claim "$flavour: and its evidence says how the volume came to be" says_how
  claim "$flavour: no plain text is on the disk" not grep -qaF "$known" "$disk_image"
  echo "      $flavour: $machine_took s for $(($(stat -c %s "$root") >> 20)) MiB"

  machine=("${with_evidence[@]}")
  claim "$flavour: the second boot: the machine boots" boots "first-boot-second-$flavour" "$first"
  claim "$flavour: the second boot: the key came from the broker" shows "the key came from $relying_party as $resource"
  claim "$flavour: the second boot: it reaches the root" shows "$reached from /dev/mapper/root"
  claim "$flavour: the second boot: nothing is made" hides "is being encrypted"

  plain_disk
  machine=("${spent[@]}")
  stop "a wiped disk and a spent token" wiped "the enrolment token was used"
  new_token
  stop "a wiped disk and a new token" wiped-anew "is not made anew"
}

for group in "${groups[@]}"; do "${group}_boots"; done
admin audit show --count 100
claim "$flavour: enrolment is in the broker's log" grep -q '"event":"enrolment","decision":"enrolled"' "$work/admin"
finish
