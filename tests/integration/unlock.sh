#!/usr/bin/env bash
# attestd-unlock: a LUKS2 volume's key from a broker, with the header that was judged; each
# refusal with its reason and without the key.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" -eq 0 ] || skip "evidence for who unlocks needs root here"
command -v cryptsetup >/dev/null || skip "no cryptsetup here"
memory_folder
attestd_unlock=$build/unlock/attestd-unlock

start_vm_and_broker

# A volume as it is enrolled: a random key, so a cheap derivation is enough.
uuid=6a1e2d3c-0000-4000-8000-00000000000a
head -c 32 /dev/urandom >"$memory/key"
disk=$work/disk.img
truncate -s 24M "$disk"
cryptsetup luksFormat -q --type luks2 --uuid $uuid --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file "$memory/key" "$disk"
claim "the broker has the volume's key" admin put default/luks/$uuid --policy vm --volume $uuid --file "$memory/key"

mkdir "$memory/run"
printf 'root=/dev/mapper/root rd.luks.name=%s=root rd.attestd.url=%s rd.attestd.ca=%s rd.attestd.budget=2\n' \
  $uuid "$broker" "$work/broker.pem" >"$work/cmdline"
# unlock STATUS [OPTION…]: what it wrote is in $memory/out, what it said in $work/said.
unlock() {
  local wanted=$1 status=0
  shift
  rm -rf "$memory/out" "$memory/run/header"
  "$attestd_unlock" --once --name root --device "$disk" --header-out "$memory/run/header" --settings "$work/unlock.toml" \
    --command-line "$work/cmdline" --agent-config "$work/vm/attestd.toml" --origins "$memory/run/origins" "$@" \
    >"$memory/out" 2>"$work/said" || status=$?
  cat "$work/said" >>"$work/all-said"
  equal "$status" "$wanted" || {
    cat "$work/said"
    return 1
  }
}
# refused STATUS TEXT [OPTION…]: nothing is handed over, and it says why.
refused() {
  unlock "$1" "${@:3}" && [ ! -s "$memory/out" ] && [ ! -e "$memory/run/header" ] && has "$2" "$work/said"
}
opens() { cryptsetup open --test-passphrase --type luks2 --key-file "$memory/out" --header "$memory/run/header" "$1"; }

claim "the key comes" unlock 0
claim "  the one that was kept" cmp "$memory/out" "$memory/key"
claim "  it opens the volume with the header's copy" opens "$disk"
claim "  one sentence says where from" has "the key came from $broker as default/luks/$uuid" "$work/said"
claim "  another how long each phase took" grep -qE "it took: header [0-9]+ ms, devices [0-9]+ ms, evidence [0-9]+ ms, 3 requests [0-9]+ ms, hand-over [0-9]+ ms, all [0-9]+ ms$" "$work/said"
sed -n 's/^attestd-unlock: it took:/     /p' "$work/said"
claim "  and a note for the agent" has '"key_origin":"broker"' "$memory/run/origins/$uuid.json"
claim "  which is about what is mapped by this name" has '"name":"root"' "$memory/run/origins/$uuid.json"
claim "the copy is of the header that was judged" cmp -n $((32768 + 258048)) "$disk" "$memory/run/header"
claim "  and has nothing but zeros behind its last keyslot" cmp -n $((16777216 - 32768 - 258048)) -i $((32768 + 258048)):0 "$memory/run/header" /dev/zero

# What is judged is what is used.
cp "$disk" "$work/forged.img"
# Both copies: of one, the other would count.
sed -i 's/aes-xts-plain64/cipher_null-ecb/g' "$work/forged.img"
claim "a forged header does not reach the copy" opens "$work/forged.img"
claim "  and is refused where it is judged" refused 2 "checksum" --device "$work/forged.img"
cp "$disk" "$work/null.img"
"$source/tests/integration/servers/forge_luks.py" "$work/null.img" aes-xts-plain64 cipher_null-ecb
claim "a null cipher is refused" refused 1 "cipher_null" --device "$work/null.img"
truncate -s 24M "$work/old.img"
cryptsetup luksFormat -q --type luks2 --uuid $uuid --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file "$memory/key" "$work/old.img"
claim "another header with the same UUID is refused by the broker" refused 1 "or is an older copy" --device "$work/old.img"
truncate -s 24M "$work/other.img"
cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file "$memory/key" "$work/other.img"
claim "another volume is refused" refused 1 "UUID" --device "$work/other.img"
truncate -s 24M "$work/wiped.img"
claim "a wiped disk is refused" refused 2 "LUKS" --device "$work/wiped.img"
truncate -s 24M "$work/one.img"
cryptsetup luksFormat -q --type luks1 --uuid $uuid --pbkdf-force-iterations 1000 --key-file "$memory/key" "$work/one.img"
claim "LUKS1 is refused" refused 2 "LUKS1" --device "$work/one.img"

# The image may pin the header.
pin() { sed "s/\$/ rd.attestd.header=$1/" "$work/cmdline" >"$work/pinned"; }
pin "$(sed -n 's/.*"header_sha256":"\([0-9a-f]*\)".*/\1/p' "$memory/run/origins/$uuid.json")"
claim "the header that the image pins is opened" unlock 0 --command-line "$work/pinned"
pin "$(printf other | sha256sum | cut -c1-64)"
claim "  another is not, whatever the broker says" refused 1 "digest" --command-line "$work/pinned"

# Settings: from measured places only, and none that is not known.
claim "no relying party, no key" refused 2 "there is no relying party" --command-line /dev/null --uuid $uuid
printf 'rd.luks.name=%s=root rd.attestd.url=%s\n' $uuid "$broker" >"$work/bare"
claim "no authority, no key" refused 2 "which certificate" --command-line "$work/bare"
printf '[unlock]\nca = "%s"\n' "$work/broker.pem" >"$work/unlock.toml"
claim "the image's file has the rest" unlock 0 --command-line "$work/bare"
rm "$work/unlock.toml"
sed 's/rd.attestd.ca=/rd.attestd.cafile=/' "$work/cmdline" >"$work/misspelt"
claim "a word that is not known is no setting" refused 2 "rd.attestd.cafile" --command-line "$work/misspelt"
claim "a volume that nothing names" refused 2 "neither the kernel's command line" --name data

# The relying party.
with() { sed "s|$1|$2|" "$work/cmdline" >"$work/changed"; }
with "rd.attestd.ca=[^ ]*" "rd.attestd.ca=$work/vm/trust-root.pem"
claim "a broker with another certificate" refused 1 "certificate that is not trusted" --command-line "$work/changed"
with "$broker" "https://127.0.0.1:$(free_port)"
before=$SECONDS
claim "a broker that is down" refused 2 "it may take are over" --command-line "$work/changed"
claim "  was tried again meanwhile" has "the next try is in" "$work/said"
claim "  for as long as it may take, and not longer" test $((SECONDS - before)) -ge 1 -a $((SECONDS - before)) -le 6
with "rd.attestd.budget=2" "rd.attestd.budget=2 rd.attestd.resource=default/luks/another"
claim "a resource that is not there" refused 2 "default/luks/another" --command-line "$work/changed"
with "rd.attestd.budget=2" "rd.attestd.budget=2 rd.attestd.resource=../../../v1/token-keys?x="
claim "a resource that is no path" refused 2 "rd.attestd.resource" --command-line "$work/changed"
admin put default/key/other --policy other --file "$memory/key"
with "rd.attestd.budget=2" "rd.attestd.budget=2 rd.attestd.resource=default/key/other"
claim "another VM's key" refused 1 "was not trusted by policy other" --command-line "$work/changed"
with "rd.attestd.budget=2" "rd.attestd.budget=2 rd.attestd.policy=vm"
claim "the policy may be named" unlock 0 --command-line "$work/changed"
sed 's/^required = .*/required = ["hardware", "initial_state"]/' "$work/policy.toml" >"$work/hardware.toml"
admin policy put hardware "$work/hardware.toml"
admin put default/key/hardware --policy hardware --file "$memory/key"
with "rd.attestd.budget=2" "rd.attestd.budget=2 rd.attestd.resource=default/key/hardware rd.attestd.evidence=trustee"
claim "evidence as Trustee's guests give it" unlock 0 --command-line "$work/changed"
claim "  the key is the same" cmp "$memory/out" "$memory/key"

# Somebody in between who speaks TLS with the right certificate, and nonsense.
serve_nonsense() {
  bad_port=$(free_port)
  serve "nonsense$1" "$bad_port" "$source/tests/integration/servers/nonsense.py" "$bad_port" "$work/broker.pem" "$work/broker.key" "$1"
  with "$broker" "https://127.0.0.1:$bad_port"
}
for kind in html empty challenge token jwe; do
  serve_nonsense $kind
  claim "a malformed answer ($kind)" refused 2 "" --command-line "$work/changed"
  claim "  which says whose" has "127.0.0.1:$bad_port" "$work/said"
  end_process "$served"
done

# By socket, as systemd does it.
sockets() {
  rm -f "$memory/key.sock" "$memory/by-socket"
  "$source/tests/integration/servers/key_file.py" "$memory/key.sock" "$1" "$memory/by-socket" "$attestd_unlock" \
    --settings "$work/unlock.toml" --command-line "$work/cmdline" --agent-config "$work/vm/attestd.toml" 2>"$work/said"
}
claim "who is not systemd-cryptsetup gets nothing" not sockets "nobody"
claim "  and is told apart" has "is not systemd-cryptsetup" "$work/said"
claim "who asks for another volume gets nothing" not sockets "00/cryptsetup/data"
claim "  since nothing names it" has "names volume data" "$work/said"
claim "without header= on the command line nothing is given" not sockets "00/cryptsetup/root"
claim "  since cryptsetup would read the disk's own" has "the command line needs rd.luks.options=" "$work/said"

# The latch: a policy for one moment of the boot, of which PCR 15 is a part, releases until it is closed.
sed -e 's/^# 15 = /15 = /' "$work/policy.toml" >"$work/unlatched.toml"
claim "a policy that pins PCR 15" admin policy put vm "$work/unlatched.toml"
claim "  releases" unlock 0
with "rd.attestd.budget=2" "rd.attestd.budget=2 rd.attestd.latch=data"
claim "  a latch behind a volume that nothing names is refused" refused 2 "neither the command line nor crypttab names" --command-line "$work/changed"
with "rd.attestd.budget=2" "rd.attestd.budget=2 rd.attestd.latch=data rd.luks.name=6a1e2d3c-0000-4000-8000-0000000000dd=data"
claim "  also after a volume that leaves the latch open" unlock 0 --command-line "$work/changed"
claim "    again and again" unlock 0
with "rd.attestd.budget=2" "rd.attestd.budget=2 rd.attestd.policy=vm rd.attestd.latch=root"
claim "with the latch the key comes" unlock 0 --command-line "$work/changed"
claim "  which is closed behind it" has "the latch is closed behind volume root" "$work/said"
claim "  and the same policy refuses" refused 1 "PCR 15 (sha256) is" --command-line "$work/changed"
claim "  whoever asks" refused 1 "was not trusted by policy vm"
admin policy put vm "$work/policy.toml"
claim "  and one that leaves PCR 15 out does not" unlock 0

# The key is nowhere it should not be.
admin audit show --count 1000
cp "$work/admin" "$work/audit"
# found FILE…: the key in one of them, as it is, in hex or in base64.
found() {
  /usr/bin/python3 - "$memory/key" "$@" <<'PYTHON'
import base64, pathlib, sys
key = pathlib.Path(sys.argv[1]).read_bytes()
forms = (key, key.hex().encode(), base64.b64encode(key).rstrip(b"="), base64.urlsafe_b64encode(key).rstrip(b"="))
sys.exit(not any(form in pathlib.Path(path).read_bytes() for path in sys.argv[2:] for form in forms))
PYTHON
}
claim "no word that was said has the key" not found "$work/all-said" "$work/broker.log" "$work/agent.log" "$work/audit"
claim "  which would be seen" found "$memory/key"
finish
