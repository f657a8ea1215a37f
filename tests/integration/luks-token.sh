#!/usr/bin/env bash
# cryptsetup with our plugin: it shows, refuses and uses tokens of type attestd. In a mount
# namespace, for the plugin is loaded from the system's own folder, and asks at a fixed path.
# usage: luks-token.sh BUILD
if [ "${LUKS_TOKEN_NAMESPACE:-}" = "" ]; then
  if [ "$(id -u)" -ne 0 ] || ! unshare --mount true 2>/dev/null; then
    echo "skipped: it takes root and a mount namespace"
    exit 77
  fi
  LUKS_TOKEN_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
fi
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

plugin=$build/luks/libcryptsetup-token-attestd.so
[ -e "$plugin" ] || skip "the plugin is not built (-Dcryptsetup_plugin)"
command -v cryptsetup >/dev/null || skip "there is no cryptsetup"
folder=$(cryptsetup --help | sed -n 's/.*external token plugin path: \(.*[^.]\)\.\{0,1\}$/\1/p')
[ -d "$folder" ] || skip "this cryptsetup loads no plugins"

mkdir "$work/plugins"
cp "$plugin" "$work/plugins"
mount --bind "$work/plugins" "$folder"
mount -t tmpfs tmpfs /run
mkdir /run/attestd

volume=$work/volume key=$work/key
printf 'a key of\n\0bytes' >"$key"
truncate -s 8M "$volume"
cryptsetup luksFormat --batch-mode --type luks2 --luks2-keyslots-size 1M --offset 4096 \
  --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file "$key" "$volume" || exit 1
uuid=$(cryptsetup luksUUID "$volume")

token() { printf '{"type":"attestd","keyslots":["0"],"attestd":%s}' "$1"; }
import() { token "$1" | cryptsetup token import --json-file - "${@:2}" "$volume"; }
# says TEXT COMMAND…: whatever its status.
says() {
  local text=$1
  shift
  "$@" >"$work/out" 2>&1
  has "$text" "$work/out"
}
opens() { cryptsetup open --test-passphrase --token-only "$volume" </dev/null; }
# ends STATUS COMMAND…
ends() {
  local wanted=$1 status=0
  shift
  "$@" || status=$?
  equal "$status" "$wanted"
}
by_broker='{"version":1,"method":"broker","resource":"default/disk/root","generation":3}'

claim "a token of ours is imported" import "$by_broker"
claim "luksDump says how the volume is unlocked" says "Unlocked by: the broker" cryptsetup luksDump "$volume"
claim "luksDump says which key it is" has "Resource:    default/disk/root" "$work/out"
claim "luksDump says which generation it is" has "Generation:  3" "$work/out"
claim "a token without its resource is not imported" \
  says "attestd.resource is missing" import '{"version":1,"method":"broker","generation":3}'
claim "a token of another version is not imported" says "version 2" import '{"version":2}'
claim "no second token has come in" not grep -q '^  1: ' "$work/out"

claim "nobody who unlocks is not a failure of the passphrase" says "nobody unlocks volumes at /run/attestd/unlock.sock" opens
claim "the volume does not open without them" not opens

python3 "$source/tests/integration/servers/key.py" /run/attestd/unlock.sock "$work/answer" "$work/peers" &
started $!
await 10 test -S /run/attestd/unlock.sock
cp "$key" "$work/answer"
claim "the key of the listener opens the volume" opens
claim "the listener saw which volume it was" grep -qE "^[0-9a-f]{16}/attestd-token/$uuid\$" "$work/peers"
printf 'another key' >"$work/answer"
claim "another key does not open it" ends 2 opens
: >"$work/answer"
claim "no key does not open it" not opens
claim "and that is what is said" says "no key was given" opens
head -c 5000 /dev/zero >"$work/answer"
claim "a key that is too long is refused" says "over 4096 bytes" opens
cp "$key" "$work/answer"

claim "a token is exported as it was" equal "$(cryptsetup token export --token-id 0 "$volume")" "$(token "$by_broker")"
cryptsetup token remove --token-id 0 "$volume"
# As a host would: past the plugin.
import '{"version":1,"method":"broker","resource":"../../etc","generation":3}' --disable-external-tokens
asked=$(wc -l <"$work/peers")
claim "luksDump says that a token is malformed" says "Malformed:   attestd.resource is not" cryptsetup luksDump "$volume"
claim "a malformed token does not open the volume" not opens
claim "nobody was asked for its sake" equal "$(wc -l <"$work/peers")" "$asked"
claim "the passphrase still does" cryptsetup open --test-passphrase --key-file "$key" "$volume"

finish
