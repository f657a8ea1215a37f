#!/usr/bin/env bash
# attestctl disk, in a software VM with a real broker and a real cryptsetup: a volume is enrolled, rotated, and its
# tokens are taken away; whatever step it dies at, the volume opens by what the broker has. In a mount namespace, for
# cryptsetup loads our plugin from the system's own folder, and that asks at a fixed path.
# usage: disk.sh BUILD
if [ "${DISK_NAMESPACE:-}" = "" ]; then
  if [ "$(id -u)" -ne 0 ] || ! unshare --mount true 2>/dev/null; then
    echo "skipped: it takes root and a mount namespace"
    exit 77
  fi
  DISK_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
fi
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

command -v cryptsetup >/dev/null || skip "no cryptsetup here"
[[ $("$attestctl" disk rotate /dev/null 2>&1) != *"built without"* ]] || skip "attestctl was built without libcryptsetup"
memory_folder

start_vm_and_broker

# A plain LUKS2 volume, as an installer makes it, with a passphrase; the header small, so that copies are cheap.
disk=$work/disk.img
printf 'the passphrase of an installer' >"$memory/passphrase"
truncate -s 8M "$disk"
cryptsetup luksFormat -q --type luks2 --luks2-keyslots-size 2M --offset 8192 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
  --key-file "$memory/passphrase" "$disk" || exit 1
uuid=$(cryptsetup luksUUID "$disk")
resource=vm/disk/root
printf 'rd.luks.name=%s=root rd.attestd.url=%s rd.attestd.ca=%s rd.attestd.resource=%s rd.attestd.budget=2\n' \
  "$uuid" "$broker" "$work/broker.pem" $resource >"$work/cmdline"

places=(--settings "$work/unlock.toml" --command-line "$work/cmdline")
# disk STATUS COMMAND [OPTION…]: attestctl disk; what it said is in $work/out and $work/err.
disk() {
  local wanted=$1 command=$2
  shift 2
  runs "$wanted" disk "$command" "$disk" "${places[@]}" --from "$socket" "$@"
}
# boots STATUS [DEVICE]: attestd-unlock as at the next boot; the key is in $memory/out.
boots() {
  local status=0
  rm -rf "$memory/out" "$memory/header"
  "$build/unlock/attestd-unlock" --once --name root --device "${2:-$disk}" --header-out "$memory/header" "${places[@]}" \
    --agent-config "$work/vm/attestd.toml" --origins "$memory/origins" >"$memory/out" 2>"$work/said" || status=$?
  equal "$status" "$1" || {
    cat "$work/said"
    return 1
  }
}
opens() { cryptsetup open --test-passphrase --type luks2 --disable-external-tokens --key-file "$1" "${2:-$disk}"; }
unlocks() { boots 0 && opens "$memory/out"; }
# older FILE: what is refused from now on.
older() { cp "$disk" "$work/$1"; }
token() {
  admin enrolment token $resource --policy vm "$@" && cp "$work/admin" "$memory/token"
}
status_says() { runs 0 disk status "$disk" --origins "$memory/origins" && has "$1" "$work/out"; }

claim "status of a volume that nobody but a person opens" status_says "0: pbkdf2, a passphrase or key file"
claim "  its header is a good one" has "header        good" "$work/out"
for seconds in nan -nan NAN 0 inf 1e400; do
  claim "--timeout $seconds is refused" disk 2 enroll --timeout "$seconds"
  claim "  with a sentence" has "attestctl: --timeout" "$work/err"
done
printf 'not a volume' >"$work/other"
claim "  of a file that is none" runs 2 disk status "$work/other"

# Enrolment.
claim "without a token nothing is enrolled" disk 2 enroll --key-file "$memory/passphrase"
claim "  it says what it takes" has "attest-broker enrolment token" "$work/err"
token
printf 'ffff' >"$memory/wrong"
claim "nor with a file that has no token" disk 2 enroll --token-file "$memory/wrong" --key-file "$memory/passphrase"
claim "  which is said without asking anybody" has "is not 32 to 128 hexadecimal digits" "$work/err"
printf '%064d' 0 >"$memory/wrong"
claim "nor with a token that is none" disk 1 enroll --token-file "$memory/wrong" --key-file "$memory/passphrase"
claim "a dry run says what would be" disk 0 enroll --token-file "$memory/token" --key-file "$memory/passphrase" --dry-run
claim "  and does nothing" status_says "0: pbkdf2, a passphrase or key file"
older plain
claim "without a passphrase no keyslot is added" disk 2 enroll --token-file "$memory/token"
claim "  but the broker has made the key: the token is spent" grep -q '"event":"enrolment","decision":"enrolled".*"resource":"vm/disk/root"' <(admin audit show --count 1000; cat "$work/admin")
claim "so enrolling goes on from there" disk 0 enroll --token-file "$memory/token" --key-file "$memory/passphrase"
claim "  which it says" has "has a key already" "$work/out"
claim "status shows the token" status_says "0: attestd: the broker's $resource, generation 0"
claim "  the header from before is refused, before any boot" boots 1 "$work/plain"
claim "  the next boot unlocks" unlocks
claim "  the passphrase still opens it" opens "$memory/passphrase"
claim "enrolling again changes nothing" disk 0 enroll
claim "  which it says" has "nothing to do" "$work/out"
claim "  the next boot unlocks" unlocks

# A key for people.
claim "a recovery key is not shown where nobody looks" disk 2 enroll --recovery-key
claim "  it says where it can go" has "--recovery-key-file" "$work/err"
older one
claim "a recovery key goes to a file" disk 0 enroll --recovery-key-file "$memory/recovery"
claim "  as systemd makes them" grep -qxE '([cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}' "$memory/recovery"
claim "  for its owner alone" equal "$(stat -c %a "$memory/recovery")" 600
claim "  it opens the volume" opens "$memory/recovery"
claim "  its token is systemd's" status_says "systemd-recovery"
claim "  a second one is not made" disk 2 enroll --recovery-key-file "$memory/recovery2"
claim "  the header from before is refused" boots 1 "$work/one"
claim "  the next boot unlocks" unlocks

# One whose header is written while the network ends: the key is in the file first.
cc -shared -fPIC -o "$work/cut.so" "$source/tests/integration/servers/cut.c" -ldl 2>"$work/cc.log" || cat "$work/cc.log"
admin volume forget $resource
recovery_token=$(runs 0 disk status "$disk" --json && jq '.volumes[0].tokens[] | select(.type == "systemd-recovery").id' "$work/out")
claim "the recovery key is taken away" disk 0 remove --token "$recovery_token"
rm "$memory/recovery"
claim "where the file cannot be made nothing is written" disk 2 enroll --recovery-key-file "$memory/no-folder/recovery"
claim "  and no recovery key is in the volume" not status_says "systemd-recovery"
cut_off() {
  local status=0
  CUT_WHEN_CHANGED=$disk LD_PRELOAD=$work/cut.so "$attestctl" disk enroll "$disk" "${places[@]}" --from "$socket" "$@" \
    >"$work/out" 2>"$work/err" || status=$?
  equal "$status" 2
}
claim "the network ends when the header is written" cut_off --recovery-key-file "$memory/recovery"
claim "  the recovery key is in the volume" status_says "systemd-recovery"
claim "  and in its file" opens "$memory/recovery"
claim "  the next boot unlocks" unlocks
claim "one is removed again" disk 0 remove --token "$recovery_token"
claim "the same on a terminal" script -qec "CUT_WHEN_CHANGED='$disk' LD_PRELOAD='$work/cut.so' '$attestctl' disk enroll '$disk' --settings '$work/unlock.toml' --command-line '$work/cmdline' --from '$socket' --recovery-key || true" "$work/typescript" </dev/null
grep -aoE '([cbdefghijklnrtuv]{8}-){7}[cbdefghijklnrtuv]{8}' "$work/typescript" | tr -d '\n' >"$memory/shown"
claim "  the recovery key is shown" opens "$memory/shown"
claim "  the next boot unlocks" unlocks
cp "$memory/shown" "$memory/recovery"

# Another key.
cp "$memory/out" "$memory/old"
claim "the key is in the test's hands" opens "$memory/old"
older two
claim "a rotation takes a token" disk 2 rotate
claim "  it says which" has "attest-broker enrolment token $resource --rotate" "$work/err"
token
claim "one for enrolments is none for rotations" disk 1 rotate --token-file "$memory/token"
claim "  the volume opens as before" unlocks
claim "  and what was begun is taken away" status_says "token         0: attestd: the broker's $resource, generation 0"
claim "    with its keyslot" not has "generation 1" "$work/out"
token --rotate
claim "a new key" disk 0 rotate --token-file "$memory/token"
claim "  the header from before is refused" boots 1 "$work/two"
claim "  the next boot unlocks" unlocks
claim "  with another key" not cmp "$memory/out" "$memory/old"
claim "  the old key opens nothing" not opens "$memory/old"
claim "  the recovery key does" opens "$memory/recovery"
claim "  status shows the generation" status_says "generation 1"
claim "a token is spent once" disk 1 rotate --token-file "$memory/token"
claim "  the volume opens as before" unlocks
admin audit show --count 1000
claim "the log has the rotation" grep -q '"event":"rotation","decision":"rotated".*"resource":"vm/disk/root"' "$work/admin"
claim "  and the ones that were refused" grep -q '"event":"rotation","decision":"refused".*"reason":"the enrolment token was used' "$work/admin"
claim "  but no key" not grep -q '"key":' "$work/admin"

# What others wrote into its tokens.
admin volume forget $resource
broker_token() { runs 0 disk status "$disk" --json >/dev/null && jq -c '.volumes[0].tokens[] | select(.type == "attestd")' "$work/out"; }
# writes_token KEYSLOTS GENERATION: as a broker's, another one.
writes_token() {
  printf '{"type":"attestd","keyslots":[%s],"attestd":{"version":1,"method":"broker","resource":"%s","generation":%s}}' \
    "$1" "$resource" "$2" | cryptsetup token import --json-file - "$disk"
}
generation=$(broker_token | jq '.text | capture("generation (?<n>[0-9]+)").n | tonumber')
printf 'a key of another broker, of 32 bytes or more' >"$memory/stale"
cryptsetup luksAddKey -q --new-key-slot 5 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file "$memory/passphrase" "$disk" "$memory/stale"
writes_token '"5"' "$generation"
admin volume forget $resource
boots 0
cp "$memory/out" "$memory/old"
token --rotate
claim "beside a stale token of the same generation it is rotated" disk 0 rotate --token-file "$memory/token"
claim "  it has another generation" status_says "generation $((generation + 1))"
claim "  the old key opens nothing" not opens "$memory/old"
claim "  nor does the stale one" not opens "$memory/stale"
claim "  the next boot unlocks" unlocks
own=$(broker_token | jq .id)
slot=$(broker_token | jq '.keyslots[0]')
cryptsetup token remove --token-id "$own" "$disk"
writes_token "\"0\",\"$slot\"" $((generation + 1))
admin volume forget $resource
token --rotate
claim "a token that lists the passphrase's keyslot too is rotated" disk 0 rotate --token-file "$memory/token"
claim "  the passphrase still opens it" opens "$memory/passphrase"
claim "  the next boot unlocks" unlocks
claim "  with another key than before" status_says "generation $((generation + 2))"
recovery_slot=$(runs 0 disk status "$disk" --json && jq '.volumes[0].tokens[] | select(.type == "systemd-recovery").keyslots[0]' "$work/out")
writes_token "\"0\",\"$recovery_slot\"" 0
admin volume forget $resource
claim "of a stale token that lists several keyslots" disk 0 rotate
claim "  the keyslots stay" has "left as they are: 0" "$work/out"
claim "  the passphrase opens it" opens "$memory/passphrase"
claim "  the next boot unlocks" unlocks

# Killed at every step; then once more.
cc -shared -fPIC -o "$work/die.so" "$source/tests/integration/servers/die.c" -ldl 2>"$work/cc.log" || cat "$work/cc.log"
# dies_at STEP COMMAND [OPTION…]: 0 when it died, 1 when it came to its end.
dies_at() {
  local status=0
  DIE_AT=$1 LD_PRELOAD=$work/die.so "$attestctl" disk "$2" "$disk" "${places[@]}" --from "$socket" "${@:3}" \
    >"$work/out" 2>"$work/err" || status=$?
  [ "$status" -eq 137 ]
}
keyslots() { runs 0 disk status "$disk" --json && jq -c '.volumes[0] | [(.keyslots | length), (.tokens | length)]' "$work/out"; }
before=$(keyslots)
rotates() {
  token --rotate
  dies_at "$1" rotate --token-file "$memory/token" || { done_at=$1 && return; }
  # At once, as after a power cut; and after the next try, whose token may be spent.
  unlocks || return 1
  token --rotate
  disk 0 rotate --token-file "$memory/token" && unlocks && equal "$(keyslots)" "$before"
}
enrols() {
  disk 0 remove --method broker || return 1
  dies_at "$1" enroll --key-file "$memory/passphrase" || { done_at=$1 && return; }
  opens "$memory/passphrase" && disk 0 enroll --key-file "$memory/passphrase" && unlocks && equal "$(keyslots)" "$before"
}
removes() {
  dies_at "$1" remove --method broker || { done_at=$1 && disk 0 enroll --key-file "$memory/passphrase" && return; }
  # There may be nothing left to remove; then it says so.
  disk 0 remove --method broker || has "no token of attestd's" "$work/err" || return 1
  disk 0 enroll --key-file "$memory/passphrase" && unlocks && equal "$(keyslots)" "$before"
}
# loses_nothing COMMAND WHAT LEAST: at whatever step it dies; there are so many steps at least.
loses_nothing() {
  done_at=0
  for step in $(seq 1 80); do
    claim "$2 that dies at step $step loses nothing" "$1" "$step" || break
    [ "$done_at" -eq 0 ] || break
  done
  claim "$2 has steps to die at" test "$done_at" -gt "$3"
}
loses_nothing rotates "a rotation" 30
loses_nothing enrols "an enrolment" 12
loses_nothing removes "a removal" 12
claim "the recovery key still opens it" opens "$memory/recovery"

# cryptsetup by its token.
plugin=$build/luks/libcryptsetup-token-attestd.so
folder=$(cryptsetup --help | sed -n 's/.*external token plugin path: \(.*[^.]\)\.\{0,1\}$/\1/p')
if [ -e "$plugin" ] && [ -d "$folder" ] && command -v systemd-socket-activate >/dev/null; then
  mkdir "$work/plugins" "$work/by-uuid"
  cp "$plugin" "$work/plugins"
  mount --bind "$work/plugins" "$folder"
  mount -t tmpfs tmpfs /run
  mkdir -p /run/attestd /run/cryptsetup
  ln -s "$disk" "$work/by-uuid/$uuid"
  systemd-socket-activate --accept --inetd --listen /run/attestd/unlock.sock "$attestctl" disk serve "${places[@]}" --from "$socket" \
    --by-uuid "$work/by-uuid" 2>"$work/serve.log" &
  started $!
  await 10 test -S /run/attestd/unlock.sock
  by_token() { cryptsetup open --test-passphrase --token-only "$disk" </dev/null; }
  claim "cryptsetup opens it by its token" by_token
  claim "  and nothing is noted for the agent: cryptsetup uses the header that it read itself" test ! -e /run/attestd/origins
  admin policy put vm "$work/other.toml"
  claim "  not when the policy trusts it no more" not by_token
  admin policy put vm "$work/policy.toml"
  claim "  and again when it does" by_token
  claim "who is no plugin gets nothing" bash -c "python3 -c '
import socket
s = socket.socket(socket.AF_UNIX)
s.connect(\"/run/attestd/unlock.sock\")
assert s.recv(1) == b\"\"'"
  cp "$work/by-uuid/$uuid" "$work/copy.img"
  umount "$folder"
else
  echo "skipped: cryptsetup by its token: no plugin, or no systemd-socket-activate"
fi

# Taken away.
claim "the next boot unlocks" unlocks
cp "$memory/out" "$memory/old"
older three
recovery_token=$(runs 0 disk status "$disk" --json && jq '.volumes[0].tokens[] | select(.type == "systemd-recovery").id' "$work/out")
claim "a token is removed with its keyslot" disk 0 remove --token "$recovery_token"
claim "  the recovery key opens nothing" not opens "$memory/recovery"
claim "  the header from before is refused" boots 1 "$work/three"
claim "  the next boot unlocks" unlocks
cryptsetup luksDump "$disk" >"$work/dump"
cp "$disk" "$work/last.img"
cryptsetup luksKillSlot -q --key-file "$memory/old" "$work/last.img" 0
claim "the last keyslot stays" runs 1 disk remove "$work/last.img" "${places[@]}" --from "$socket" --method broker --offline --force
claim "  which it says" has "the last keyslot" "$work/err"
claim "the broker's goes" disk 0 remove --method broker
claim "  its key opens nothing" not opens "$memory/old"
claim "  the passphrase does" opens "$memory/passphrase"

# Two resources of one broker, of which each boot asks for one.
claim "it is enrolled again" disk 0 enroll --key-file "$memory/passphrase"
admin enrolment token vm/disk/second --policy vm
cp "$work/admin" "$memory/second"
claim "a second resource" disk 0 enroll --resource vm/disk/second --token-file "$memory/second" --key-file "$memory/passphrase"
claim "  the first knows of the header: the next boot unlocks" unlocks
token_of() { runs 0 disk status "$disk" --json >/dev/null && jq --arg what "$1" '.volumes[0].tokens[] | select(.text | test($what)) | .id' "$work/out"; }
admin enrolment token vm/disk/second --policy vm --rotate
cp "$work/admin" "$memory/second"
claim "  it is rotated" disk 0 rotate --resource vm/disk/second --token-file "$memory/second"
claim "    the next boot unlocks" unlocks
claim "  and removed" disk 0 remove --token "$(token_of vm/disk/second)"
claim "    the next boot unlocks" unlocks
printf '{"type":"attestd","keyslots":["0"],"attestd":{"version":1,"method":"broker","resource":"vm/disk/elsewhere","generation":0}}' >"$memory/json"
cryptsetup token import --json-file "$memory/json" "$disk"
admin volume forget $resource
admin volume forget vm/disk/second
cp "$disk" "$work/elsewhere.img"
elsewhere=$(token_of vm/disk/elsewhere)
claim "with a token that this broker has nothing for no header is written" disk 2 enroll --recovery-key-file "$memory/recovery3"
claim "  which it says" has "attestctl disk remove --token $elsewhere" "$work/err"
claim "  the disk is as it was" cmp "$disk" "$work/elsewhere.img"
claim "  and no key is handed out" test ! -e "$memory/recovery3"
cryptsetup token remove --token-id "$elsewhere" "$disk"
admin volume forget $resource
claim "  without that token the next boot unlocks" unlocks
claim "a TPM without its program is told" disk 2 enroll --method vtpm --key-file "$memory/passphrase" --unlock-program attestd-unlock-absent
claim "  the sentence names it" has "no program attestd-unlock-absent" "$work/err"
admin audit verify
claim "all that is in one log" has "records are good" "$work/admin"
finish
