#!/usr/bin/env bash
# The memory of a machine that got its key from a broker, and is up: is the key in it? What the
# broker keeps is a passphrase, 32 random bytes. The volume's own key, which dm-crypt works with, is
# another value and stays in the kernel: that it is found shows that the search can find.
# attested-memory.sh BUILD [systemd|plain].
# shellcheck source=tests/boot/attested-lib.sh
. "$(dirname "$0")/attested-lib.sh"

flavours=("${2:-systemd}")
[ -n "${2:-}" ] || flavours+=(plain)
a_disk || exit 1
start_relying_party 5m
hex() { xxd -p -c 256 "$@"; }
cryptsetup luksDump --batch-mode --dump-volume-key --key-file "$disk/key" --volume-key-file "$work/volume.key" "$disk/disk.img" >/dev/null || exit 1
key=$(hex "$disk/key")
machine=("${with_evidence[@]}" -monitor "unix:$work/monitor,server=on,wait=off" -fw_cfg "name=opt/attestd/stay,string=1")

# times NAME: how often it was found.
times() { sed -n "s/^$1 \([0-9]*\).*/\1/p" "$work/found"; }
# look_into NAME [WORD…]: boots, and searches the memory.
look_into() {
  start_machine "$1" "$header_copy" "${@:2}" && says "boot-marker: staying" "$boot_limit" || return 1
  python3 "$source/tests/boot/standin/memory.py" "$work/monitor" "$work/memory" 1024 "key=$key" "first-half=${key:0:32}" \
    "second-half=${key:32}" "hexadecimal=$(printf %s "$key" | hex)" "base64=$(base64 -w 0 "$disk/key" | head -c 40 | hex)" \
    "nonce=$(printf %s "$nonce" | hex)" "volume-key=$(hex "$work/volume.key" | head -c 64)" >"$work/found" || return 1
  rm -f "$work/memory"
  end_process "$machine_process"
}
for flavour in "${flavours[@]}"; do
  real_initrd "$flavour" || exit 1
  claim "$flavour: the machine is up, and its memory kept" look_into "memory-$flavour" init_on_free=1
  claim "$flavour: the nonce is in its memory" test "$(times nonce)" -gt 0
  claim "$flavour: the volume's key is, for dm-crypt" test "$(times volume-key)" -gt 0
  for what in key first-half second-half hexadecimal base64; do
    claim "$flavour: what the broker keeps is not ($what)" equal "$(times $what)" 0
  done
  sed 's/^/      /' "$work/found"
  # For comparison, no claim: a kernel that does not wipe memory when it is freed.
  look_into "memory-$flavour-unwiped" && sed 's/^/      without init_on_free=1: /' "$work/found"
done
finish
