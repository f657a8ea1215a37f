#!/usr/bin/env bash
# attestd-unlock --first-boot: a plain file system becomes a LUKS2 volume in its place, with a key that a real broker
# makes for a single-use token; each refusal leaves the disk as it was. On files, since no device mapper is needed.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "evidence for who unlocks needs root here"
for tool in cryptsetup mke2fs e2fsck debugfs; do command -v $tool >/dev/null || skip "no $tool here"; done
memory_folder
attestd_unlock=$build/unlock/attestd-unlock

start_vm_and_broker

# The image as somebody built it, and room behind it.
uuid=6a1e2d3c-0000-4000-8000-00000000000a
resource=default/luks/$uuid
known="a line of the plain image that nobody is to find on the disk"
mkdir -p "$work/tree/etc" "$memory/run" "$memory/scratch"
echo "$known" >"$work/tree/etc/motd"
head -c 5M /dev/urandom >"$work/tree/noise"
mke2fs -q -t ext4 -d "$work/tree" "$work/image" 22M >/dev/null
image=sha256:$(sha256sum <"$work/image" | cut -d ' ' -f 1)
disk=$work/disk.img
plain_disk() { cp "$work/image" "$disk" && truncate -s 47M "$disk"; }
token_for() { admin enrolment token "${2:-$resource}" --policy "${1:-vm}" && token=$(cat "$work/admin"); }
forget() { admin remove $resource; }

# command_line [WORD…]: into $work/cmdline.
command_line() {
  echo "rd.luks.name=$uuid=root rd.attestd.url=$broker rd.attestd.ca=$work/broker.pem rd.attestd.budget=2" \
    "rd.attestd.device=$disk $*" >"$work/cmdline"
}
# first_boot STATUS [OPTION…]: what it said is in $work/said.
first_boot() {
  local wanted=$1 status=0
  shift
  "$attestd_unlock" --first-boot --name root --scratch "$memory/scratch" --settings "$work/unlock.toml" \
    --command-line "$work/cmdline" --agent-config "$work/vm/attestd.toml" --origins "$memory/run/origins" "$@" \
    >"$work/said" 2>&1 || status=$?
  cat "$work/said" >>"$work/all-said"
  equal "$status" "$wanted" || {
    cat "$work/said"
    return 1
  }
}
# refused STATUS TEXT [WORD…]: with these words on the command line it says why, and the disk is as it was.
refused() {
  local status=$1 text=$2
  shift 2
  command_line "$@"
  sha256sum "$disk" >"$work/before"
  first_boot "$status" && { [ -z "$text" ] || has "$text" "$work/said"; } && sha256sum --quiet -c "$work/before" && [ -z "$(ls "$memory/scratch")" ]
}
ordinary() {
  "$attestd_unlock" --once --name root --device "$disk" --header-out "$memory/run/header" --settings "$work/unlock.toml" \
    --command-line "$work/cmdline" --agent-config "$work/vm/attestd.toml" --origins "$memory/run/origins" >"$memory/key"
}

encrypt="rd.attestd.first-boot=encrypt rd.attestd.image=$image"
plain_disk
command_line
claim "without being told to, it does nothing" first_boot 0
claim "a plain disk and no token" refused 1 "there is no enrolment token" "$encrypt"
claim "a token that is none" refused 2 "not 32 to 128 hexadecimal digits" "$encrypt rd.attestd.enrolment-token=secret"
claim "  the sentence does not have it" not grep -q "secret" "$work/said"
claim "a token that the broker does not know" refused 1 "there is no such enrolment token" "$encrypt rd.attestd.enrolment-token=$(printf '%064d' 7)"
token_for vm default/luks/another
claim "a token for another resource" refused 1 "is for another resource" "$encrypt rd.attestd.enrolment-token=$token"
token_for other
claim "a token for another policy's machine" refused 1 "was not trusted by policy other" "$encrypt rd.attestd.enrolment-token=$token"
token_for
claim "nothing says which image" refused 2 "rd.attestd.image=" "rd.attestd.first-boot=encrypt rd.attestd.enrolment-token=$token"
claim "a plain disk is not formatted" refused 1 "only a blank disk is formatted" "rd.attestd.first-boot=format rd.attestd.enrolment-token=$token"
truncate -s 22M "$disk"
claim "no room for the header" refused 1 "no 16 MiB behind it" "$encrypt rd.attestd.enrolment-token=$token"
truncate -s 0 "$disk"
truncate -s 40M "$disk"
claim "a blank disk is not encrypted" refused 1 "only a file system of ext4 is encrypted" "$encrypt rd.attestd.enrolment-token=$token"
claim "two volumes, and nothing says which" refused 2 "first-boot-volume" "$encrypt rd.luks.name=6a1e2d3c-0000-4000-8000-00000000000b=data"

# The image that is measured, and the same token, since nothing above has spent it.
plain_disk
command_line "$encrypt rd.attestd.enrolment-token=$token"
claim "the image is encrypted" first_boot 0
claim "  the header and its digest are told" has "the broker knows its LUKS2 header" "$work/said"
claim "  nothing of it is left in memory" test -z "$(ls "$memory/scratch")"
claim "  the known line is not on the disk" not grep -qaF "$known" "$disk"
claim "  it was in the image" grep -qaF "$known" "$work/image"
claim "  nor any superblock" not grep -qaP '\x53\xef.{6}[\x00-\x10]\x00{7}' <(head -c 16M "$disk")
claim "  the key comes as ever" ordinary
claim "  the header is the one that was pinned" has "$(sed -n 's/.*LUKS2 header, \([0-9a-f]*\).*/\1/p' "$work/said")" "$memory/run/origins/$uuid.json"
claim "  the note says how the volume began" has '"first_boot":"encrypted"' "$memory/run/origins/$uuid.json"
claim "  and with which image" has "\"image_sha256\":\"${image#sha256:}\"" "$memory/run/origins/$uuid.json"
cp "$disk" "$work/opened.img"
claim "  cryptsetup itself decrypts it" cryptsetup reencrypt -q --force-offline-reencrypt --decrypt --header "$work/detached" --key-file "$memory/key" "$work/opened.img"
claim "  to the image that it was" cmp -n "$(stat -c %s "$work/image")" "$work/opened.img" "$work/image"
claim "the next boot changes nothing" refused 0 "" "$encrypt rd.attestd.enrolment-token=$token"
claim "  and asks nobody" test ! -s "$work/said"
claim "a LUKS header of another volume" refused 1 "a LUKS header of volume $uuid" "$encrypt" rd.luks.name=6a1e2d3c-0000-4000-8000-00000000000b=root

# The host's disks, later.
cp "$disk" "$work/encrypted.img"
plain_disk
claim "the plain image put back, the token spent" refused 1 "the enrolment token was used" "$encrypt rd.attestd.enrolment-token=$token"
token_for
claim "the plain image put back, another token" refused 1 "is not made anew" "$encrypt rd.attestd.enrolment-token=$token"

# An image that is not the one: noise, and no header. A token for what was removed is none any more.
forget
claim "a token from before the removal" refused 1 "there is no such enrolment token" "$encrypt rd.attestd.enrolment-token=$token"
token_for
plain_disk
printf 'an altered line' | dd of="$disk" bs=1 seek=9000000 conv=notrunc status=none
command_line "$encrypt rd.attestd.enrolment-token=$token"
claim "an altered image is refused" first_boot 1
claim "  with both digests" has "and ${image#sha256:} is measured" "$work/said"
claim "  there is no LUKS header" not cryptsetup isLuks "$disk"
claim "  nor the image" not grep -qaF "$known" <(tail -c +16777217 "$disk")
claim "  the next boot says what to do" refused 1 "put the image back" "$encrypt rd.attestd.enrolment-token=$token"

# Cut off in the middle: the same end. A larger image, to have time for it.
forget
token_for
mke2fs -q -t ext4 -d "$work/tree" "$disk" 400M >/dev/null && truncate -s 420M "$disk"
command_line "rd.attestd.first-boot=encrypt rd.attestd.image=any rd.attestd.enrolment-token=$token"
first_boot 0 >/dev/null &
cut=$!
started $cut
await_from $cut 20 has "is being encrypted" "$work/said" >/dev/null
pkill -KILL -P $cut
wait $cut
claim "a first boot that is cut off leaves no header" not cryptsetup isLuks "$disk"
claim "  and nothing that mounts" not e2fsck -n "$disk"
rm -f "$memory/scratch"/*
claim "  the next boot says what to do" refused 1 "a first boot that did not end: put the image back" \
  "rd.attestd.first-boot=encrypt rd.attestd.image=any rd.attestd.enrolment-token=$token"

# A host that lets nobody reach the broker from then on: there is no header for it to edit.
forget
token_for
mke2fs -q -F -t ext4 -d "$work/tree" "$disk" 400M >/dev/null && truncate -s 420M "$disk"
command_line "rd.attestd.first-boot=encrypt rd.attestd.image=any rd.attestd.enrolment-token=$token"
: >"$work/said"
first_boot 2 >/dev/null &
silenced=$!
started $silenced
await_from $silenced 20 has "is being encrypted" "$work/said" >/dev/null
kill -STOP $broker_process
wait $silenced
claim "a broker that is not reached after the key was made fails the first boot" equal $? 0
kill -CONT $broker_process
claim "  with the reason" has "the 2 s that it may take are over" "$work/said"
claim "  there is no LUKS header" not cryptsetup isLuks "$disk"
claim "  the next boot says what to do" refused 1 "put the image back" \
  "rd.attestd.first-boot=encrypt rd.attestd.image=any rd.attestd.enrolment-token=$token"

# any: what it says.
forget
token_for
plain_disk
printf 'an altered line' | dd of="$disk" bs=1 seek=9000000 conv=notrunc status=none
command_line "rd.attestd.first-boot=encrypt rd.attestd.image=any rd.attestd.enrolment-token=$token"
claim "any image is encrypted where the command line says so" first_boot 0
claim "  and opens" ordinary
claim "no token in anything that was said" not grep -qF "$token" "$work/all-said"
finish
