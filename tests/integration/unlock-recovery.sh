#!/usr/bin/env bash
# The recoveries that docs/unlock.md describes, with its commands: a lost broker, a changed
# measurement, a changed header, another key, an older disk.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "evidence for who unlocks needs root here"
command -v cryptsetup >/dev/null || skip "no cryptsetup here"
memory_folder

start_vm_and_broker

# Enrolment where the disk is: a random key, and a passphrase for the day when no broker is left.
disk=$work/disk.img
cheap=(--pbkdf pbkdf2 --pbkdf-force-iterations 1000)
head -c 32 /dev/urandom >"$memory/key"
printf 'a recovery passphrase' >"$memory/recovery"
truncate -s 24M "$disk"
cryptsetup luksFormat -q --type luks2 "${cheap[@]}" --key-file "$memory/key" "$disk"
cryptsetup luksAddKey -q "${cheap[@]}" --key-file "$memory/key" "$disk" "$memory/recovery"
uuid=$(cryptsetup luksUUID "$disk")
resource=default/luks/$uuid
admin put "$resource" --policy vm --volume "$uuid" --file "$memory/key"

printf 'rd.luks.name=%s=root rd.attestd.url=%s rd.attestd.ca=%s rd.attestd.budget=2\n' "$uuid" "$broker" "$work/broker.pem" >"$work/cmdline"
# unlock STATUS [DEVICE]: the key is in $memory/out, what was said in $work/said.
unlock() {
  local status=0
  rm -rf "$memory/out" "$memory/header"
  "$build/unlock/attestd-unlock" --once --name root --device "${2:-$disk}" --header-out "$memory/header" --settings "$work/unlock.toml" \
    --command-line "$work/cmdline" --agent-config "$work/vm/attestd.toml" --origins "$memory/origins" >"$memory/out" 2>"$work/said" || status=$?
  equal "$status" "$1" || {
    cat "$work/said"
    return 1
  }
}
opens() { cryptsetup open --test-passphrase --type luks2 --key-file "$1" --header "${2:-$memory/header}" "$disk"; }

claim "an enrolled volume opens" unlock 0
claim "  with the key that came" opens "$memory/out"

# The digest by hand, as docs/unlock.md has it.
sed -n '/^    import hashlib, sys$/,/^$/s/^    //p' "$source/docs/unlock.md" >"$work/digest.py"
claim "the program in docs/unlock.md tells the header's digest" test -s "$work/digest.py"
python3 "$work/digest.py" "$disk" >"$work/digest"
admin show "$resource"
claim "  the one that the broker has seen" has "header $(cat "$work/digest")" "$work/admin"

# A broker that is lost: store and master key come from the backup, the certificate stays.
mkdir -m 700 "$work/backup"
claim "the store is backed up while the broker runs" python3 -c 'import sqlite3, sys
sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))' "$work/store/broker.db" "$work/backup/broker.db"
cp "$work/store/master.key" "$work/backup/master.key"
admin audit head
head=$(cat "$work/admin")
end_process "$broker_process"
rm -r "$work/store"
claim "without the broker there is no key" unlock 2
claim "  but there is the recovery passphrase" opens "$memory/recovery" "$disk"
mkdir -m 700 "$work/store"
claim "the store is put back" install -m 600 -t "$work/store" "$work/backup/broker.db" "$work/backup/master.key"
claim "the backup continues the log whose head was kept" admin audit verify --from "$((${head% *} + 1))" --before "${head#* }"
start_broker "$work/broker.toml"
claim "  and unlocks" unlock 0
claim "  with the same key" cmp "$memory/out" "$memory/key"

# Another measurement, as after an update.
admin policy put vm "$work/other.toml"
claim "a VM that measures otherwise gets no key" unlock 1
admin audit show --count 1000
claim "  the log says why" grep -q '"event":"attest","decision":"refused".*"reasons":' "$work/admin"
claim "a policy that has the new measurement" admin policy put vm "$work/policy.toml"
claim "  lets it unlock" unlock 0

# A header that was changed on purpose, and an older copy of the disk.
cp "$disk" "$work/older.img"
cryptsetup luksKillSlot -q --key-file "$memory/key" "$disk" 1
claim "a changed header is refused" unlock 1
claim "  the broker says which digests" has "is enrolled: the disk was changed" "$work/said"
admin volume forget "$resource"
claim "  until the broker was told to forget the old one" unlock 0
claim "an older copy of the disk is refused then" unlock 1 "$work/older.img"
claim "  and its header, put back" bash -c "cp '$disk' '$work/mixed.img' && dd if='$work/older.img' of='$work/mixed.img' bs=1M count=16 conv=notrunc status=none"
claim "    is refused as well" unlock 1 "$work/mixed.img"

# Another key for the volume.
head -c 32 /dev/urandom >"$memory/new"
cryptsetup luksAddKey -q "${cheap[@]}" --key-file "$memory/key" "$disk" "$memory/new"
claim "another key: kept" admin rotate "$resource" --file "$memory/new"
admin volume forget "$resource"
claim "  released" unlock 0
claim "  and it opens the volume" opens "$memory/out"
cryptsetup luksRemoveKey -q "$disk" "$memory/key"
admin volume forget "$resource"
claim "the old one removed: the new one is released" unlock 0
claim "  and opens" opens "$memory/new"
claim "  and the old one no more" not opens "$memory/key"

# A VM that is not to have its key any more.
admin revoke "$resource"
claim "a revoked key is refused" unlock 1
claim "  which it says" has "was revoked" "$work/said"
admin audit verify
claim "all that is in one log" has "records are good" "$work/admin"
finish
