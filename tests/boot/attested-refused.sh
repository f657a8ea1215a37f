#!/usr/bin/env bash
# Attacks on an unattended boot: each ends with its reason on the console and the machine off, and
# the root is not reached. attested-refused.sh BUILD
# [machine|network|disk|exchange|few [systemd|plain [seabios|ovmf]]].
# shellcheck source=tests/boot/attested-lib.sh
. "$(dirname "$0")/attested-lib.sh"

groups=("${2:-machine}")
[ -n "${2:-}" ] || groups+=(network disk exchange)
flavour=${3:-systemd}
use_firmware "${4:-$firmware}"
a_disk && real_initrd "$flavour" || exit 1
# Consoles of the flavours side by side.
boots_as() { boots "$1-$flavour-$firmware" "${@:2}"; }
genuine=$disk
start_relying_party 5m
refused="attestd: the key of volume root was refused"
nothing="attestd: there is no key for volume root (status 2)"

# stop TEXT NAME END REASON [WORD…]: the program's reason, and how the machine ends.
stop() {
  local text=$1 name=$2 end=$3 reason=$4
  shift 4
  claim "$text: the machine ends by itself" boots_as "$name" "$header_copy" rd.attestd.budget=15 "$@"
  claim "$text: it says \"$reason\"" shows "$reason"
  claim "$text: it powers off" stops_for "$end"
  claim "$text: nothing of the key on the console" not grep -qaF "$(xxd -p -c 64 "$genuine/key")" "$console"
  echo "      $name: $machine_took s"
}
# between MODE [WORD…]: what is between guest and broker from now on.
between() {
  server_port=$(free_port)
  serve "between-$1" "$server_port" python3 "$source/tests/boot/standin/between.py" "$server_port" \
    "$fixtures"/authority/broker.{pem,key} "$broker_port" "$@"
}
only_broker() { server_port=$broker_port; }
other_measurement=$(printf '%096d' 0)

attack_by_measurement() {
  stop "another measurement" wrong-measurement "$refused" "no policy trusts this evidence" \
    attested.measurement="$other_measurement"
}
# attack_by_null_cipher IMAGE: a copy of the disk, for this one.
attack_by_null_cipher() {
  cp --sparse=always "$genuine/disk.img" "$1"
  "$source/tests/integration/servers/forge_luks.py" "$1" aes-xts-plain64 cipher_null-ecb
  disk_image=$1
  stop "a header with a null cipher" null-cipher "$refused" "cipher_null"
  disk_image=''
}
# One of the machine and one of the disk, for who has no time for all.
few_attacks() {
  only_broker
  attack_by_measurement
  attack_by_null_cipher "$work/disk.img"
}

machine_attacks() {
  only_broker
  attack_by_measurement
  head -c 32 /dev/urandom >"$work/other.key"
  admin put default/luks/other --policy vm --volume 6a1e2d3c-0000-4000-8000-00000000000a --file "$work/other.key" || exit 1
  stop "the key of another volume" other-volume "$refused" "and the evidence is for volume $volume_uuid" \
    rd.attestd.resource=default/luks/other
  admin put default/luks/foreign --policy other --volume "$volume_uuid" --file "$work/other.key" || exit 1
  stop "the key of another machine" other-policy "$refused" "the evidence was not trusted by policy other" \
    rd.attestd.resource=default/luks/foreign

  # A machine that records is let through to the broker's last word, so that what was recorded is
  # evidence that was good.
  between record "$work/recorded.json"
  claim "a good boot is recorded" boots_as recorded "$header_copy"
  claim "it was a good one" shows "$reached"
  claim "what it sent is kept" test -s "$work/recorded.json"
  between replay "$work/recorded.json"
  stop "replayed evidence" replayed "$refused" "binding.nonce: the statement has nonce"

  local other_port other_process other_console
  other_port=$(free_port)
  between relay "$other_port"
  # The other machine is a genuine one; this one is not, and shows the other's evidence.
  local meddler=$server_port
  server_port=$other_port
  start_machine "relayed-from-$flavour" "$header_copy" rd.attestd.budget=15
  other_process=$machine_process other_console=$console server_port=$meddler
  stop "evidence that another machine gave" relayed "$refused" "somebody relays it" attested.measurement="$other_measurement"
  claim "the other machine did give it" grep -q "relay /kbs/v0/attest" "$work/between-relay.log"
  end_process "$other_process"
  claim "and got nothing" not grep -qF "$reached" "$other_console"
}

network_attacks() {
  make_certificate stranger -addext subjectAltName=IP:10.0.2.100
  server_port=$(free_port)
  local nonsense=$source/tests/integration/servers/nonsense.py
  serve stranger "$server_port" "$nonsense" "$server_port" "$work"/stranger.{pem,key} empty
  stop "a broker with another certificate" stranger "$refused" "certificate that is not trusted"
  server_port=$(free_port)
  serve nonsense "$server_port" "$nonsense" "$server_port" "$fixtures"/authority/broker.{pem,key} html
  stop "a malformed answer" malformed "$nothing" "$relying_party"
  server_port=$(free_port)
  serve nonsense-jwe "$server_port" "$nonsense" "$server_port" "$fixtures"/authority/broker.{pem,key} jwe
  stop "a malformed secret" malformed-secret "$nothing" "$relying_party"
  server_port=''
  stop "no broker" down "$nothing" "the 15 s that it may take are over"
  claim "no broker: it tried again before" shows "the next try is in 2.0 s"

  end_process "$broker_process"
  configure_broker 2s 5m
  start_broker "$work/broker.toml"
  between delay 4
  stop "a challenge that has expired" expired "$nothing" "expired"
}

disk_attacks() {
  local image=$work/disk.img
  disk_image=$image
  only_broker
  # The broker knows the header once it gave the key: of a disk whose header was changed since.
  cp --sparse=always "$genuine/disk.img" "$image"
  cryptsetup luksAddKey --batch-mode --key-file "$genuine/key" --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
    "$image" <(head -c 32 /dev/urandom) || exit 1
  claim "the disk's present header gets the key" boots_as present "$header_copy"
  claim "and its root is reached" shows "$reached"
  disk_image=''
  stop "an older copy of the disk" older "$refused" "is an older copy"
  disk_image=$image

  attack_by_null_cipher "$image"
  disk_image=$image
  head -c 32M /dev/zero | dd of="$image" conv=notrunc status=none
  stop "a wiped disk" wiped "attestd: the boot failed" "attestd: the boot failed" rd.retry=8
  cryptsetup luksFormat --batch-mode --type luks2 --uuid "$volume_uuid" --key-file "$genuine/key" --pbkdf pbkdf2 \
    --pbkdf-force-iterations 1000 "$image" || exit 1
  stop "a disk made anew under the same name" made-anew "$refused" "the disk was changed"

  disk_image=''
}

# Between the check and the use: while the key is awaited the host puts the forged header, or all of
# a disk of its own, in place of what was checked.
exchange_attacks() {
  local image=$work/disk.img
  disk_image=$image
  admin volume forget "$resource"
  cp --sparse=always "$genuine/disk.img" "$image"
  disk=$genuine
  a_forged_disk || exit 1
  local forged=$disk/disk.img
  disk=$genuine
  between run dd "if=$forged" "of=$image" bs=1M count=8 conv=notrunc status=none
  claim "a header changed after the check: the machine boots" boots_as changed-header "$header_copy"
  claim "a header changed after the check: the one that was checked is used" shows "$reached"
  claim "a header changed after the check: the volume is encrypted" shows "boot-marker: cipher aes-xts-plain64"
  claim "the host did change it" not cmp -s -n 8388608 "$image" "$genuine/disk.img"

  cp --sparse=always "$genuine/disk.img" "$image"
  between run dd "if=$forged" "of=$image" bs=1M conv=notrunc status=none
  # Opened as what was checked it is noise. For such a volume dracut waits until rd.timeout.
  stop "a disk exchanged after the check" exchanged "attestd: the boot failed" "the key came from" rd.timeout=90
  # Without systemd the module opens no volume but from the copy, whatever the command line says.
  [ "$flavour" = systemd ] || return 0
  # To show that this test can fail: the same where systemd-cryptsetup reads the disk's header.
  cp --sparse=always "$genuine/disk.img" "$image"
  claim "without the copy of the header: the machine boots" boots_as exchanged-open rd.attestd.ca=/etc/attestd/broker.pem
  claim "without the copy of the header: it is the host's root" shows "$reached"
  claim "without the copy of the header: in plain text" shows "boot-marker: cipher cipher_null-ecb"
  claim "without the copy of the header: its agent's evidence is read" verified_by "$work/vm.toml"
  claim "without the copy of the header: nobody is told that it is encrypted" tells "whose cipher is 'cipher_null-ecb', which hides nothing"
}

for group in "${groups[@]}"; do "${group}_attacks"; done
admin audit show --count 100
claim "nothing of the key in the broker's log" not grep -qF "$(xxd -p -c 64 "$genuine/key")" "$work/admin" "$work/broker.log"
finish
