#!/usr/bin/env bash
# A blank second disk becomes an encrypted volume with integrity at a first boot, and one that is not blank does not:
# first-boot-format.sh BUILD.
# shellcheck source=tests/boot/attested-lib.sh
. "$(dirname "$0")/attested-lib.sh"

boot_limit=${BOOT_LIMIT:-1200}
a_disk && real_initrd systemd || exit 1
start_relying_party 5m
data_uuid=5e0f5c1e-0b5e-4a3c-9f3e-6d1f0a7c2b12
data=$work/data.img
blank_disk() { rm -f "$data" && truncate -s 48M "$data"; }
first="$header_copy rd.luks.name=$data_uuid=data rd.luks.options=$data_uuid=header=/run/attestd/headers/data,headless=1"
first+=" rd.attestd.first-boot=format rd.attestd.first-boot-volume=data rd.attestd.device=/dev/vdb"
# shellcheck disable=SC2054
second_disk=(-drive "if=none,id=data,format=raw,file=$data" -device virtio-blk-pci,drive=data)
without_token() { machine=("${with_evidence[@]}" "${second_disk[@]}"); }
with_token() {
  admin enrolment token default/luks/$data_uuid --policy vm || exit 1
  without_token
  # By SMBIOS this time.
  machine+=(-smbios "type=11,value=attestd.enrolment-token=$(cat "$work/admin")")
}

blank_disk
with_token
claim "a blank disk and a token: the machine boots" boots first-boot-format "$first"
claim "it is formatted" shows "volume data: formatted, encrypted with integrity"
claim "the root is reached" shows "$reached from /dev/mapper/root"
claim "the volume is mounted and written to" shows "data on CRYPT-LUKS2-"
claim "no unit failed" shows "boot-marker: failed units: none"
claim "what was written is not on the disk" not grep -qaF "was here" "$data"
claim "the header has integrity" has "hmac(sha256)" <(cryptsetup luksDump "$data")
echo "      $machine_took s for 48 MiB"

without_token
claim "the second boot: the machine boots" boots first-boot-format-second "$first"
claim "the second boot: the data are there" shows "was here was here"

blank_disk
with_token
claim "a wiped disk and another token: the machine ends by itself" boots first-boot-format-wiped "$first"
claim "a wiped disk and another token: it says why" shows "is not made anew"
claim "a wiped disk and another token: it powers off" stops_for "attestd: the first boot of volume data"

admin remove default/luks/$data_uuid
blank_disk
with_token
printf 'somebody needs this' | dd of="$data" bs=1 seek=30M conv=notrunc status=none
claim "a disk with data: the machine ends by itself" boots first-boot-not-blank "$first"
claim "a disk with data: it says why" shows "only a blank disk is formatted"
claim "a disk with data: it powers off" stops_for "attestd: the first boot of volume data"
claim "a disk with data: the data are there" grep -qaF "somebody needs this" "$data"
finish
