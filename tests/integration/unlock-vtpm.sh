#!/usr/bin/env bash
# attestd-unlock with rd.attestd.method=vtpm: enrolled in a real swtpm, opened by it, in signed
# boots only, once a boot, and no older copy of the disk.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v cryptsetup >/dev/null || skip "no cryptsetup here"
command -v swtpm >/dev/null || skip "no swtpm here"
command -v tpm2_createpolicy >/dev/null || skip "no tpm2-tools here"
memory_folder
attestd_unlock=$build/unlock/attestd-unlock
export TSS2_LOG=all+NONE TPM2TOOLS_TCTI="swtpm:path=$work/tpm"

# boot: the TPM starts; a reboot when it ran.
boot() {
  [ -z "${tpm_process:-}" ] || end_process "$tpm_process"
  rm -f "$work/tpm" "$work/tpm.ctrl"
  mkdir -p "$work/state"
  swtpm socket --tpm2 --tpmstate "dir=$work/state" --ctrl "type=unixio,path=$work/tpm.ctrl" \
    --server "type=unixio,path=$work/tpm" --flags not-need-init,startup-clear >>"$work/swtpm.log" 2>&1 &
  tpm_process=$!
  started $tpm_process
  comes_up swtpm "$work/swtpm.log" $tpm_process 10 test -S "$work/tpm.ctrl"
  rm -f "$work/measure.log"
}

# strictly COMMAND…, of_older COMMAND…: where the TPM has to be isolated; with the disk's older copy.
strictly() { local words=$work/strict && "$@"; }
of_older() { local disk=$work/older.img && "$@"; }

# sign KEY: what the owner signs for the boot that the TPM shows, as systemd's file has it.
sign() {
  tpm2_createpolicy --policy-pcr -l sha256:4,7,11,12 -L "$work/policy" >/dev/null && tpm2_flushcontext -l &&
    openssl dgst -sha256 -sign "$1" -out "$work/signature" "$work/policy" &&
    openssl pkey -in "$1" -pubout -outform DER | tail -c 65 >"$work/public.point" &&
    printf '{"sha256":[{"pcrs":[4,7,11,12],"pkfp":"%s","pol":"%s","sig":"%s"}]}\n' \
      "$(sha256sum <"$work/public.point" | cut -d' ' -f1)" "$(od -An -v -tx1 "$work/policy" | tr -d ' \n')" \
      "$(base64 -w 0 "$work/signature")" >"$work/signatures.json"
}

openssl ecparam -name prime256v1 -genkey -noout -out "$work/owner.key" 2>/dev/null
openssl pkey -in "$work/owner.key" -pubout -out "$work/owner.pem"
openssl ecparam -name prime256v1 -genkey -noout -out "$work/other.key" 2>/dev/null
printf '[tpm]\ntcti = "swtpm:path=%s"\n[event-log]\nuserspace = "%s"\n[snp]\nconfigfs = "%s"\n' \
  "$work/tpm" "$work/measure.log" "$work/none" >"$work/attestd.toml"
printf '[unlock]\nmethod = "vtpm"\nvtpm-key = "%s"\nvtpm-signatures = "%s"\n' \
  "$work/owner.pem" "$work/signatures.json" >"$work/unlock.toml"
uuid=6a1e2d3c-0000-4000-8000-00000000000b
printf 'rd.luks.name=%s=root rd.attestd.vtpm=any\n' $uuid >"$work/cmdline"
printf 'rd.luks.name=%s=root\n' $uuid >"$work/strict"
disk=$work/disk.img
printf 'the first passphrase' >"$memory/first"
truncate -s 24M "$disk"
cryptsetup luksFormat -q --type luks2 --uuid $uuid --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file "$memory/first" "$disk"
mkdir "$memory/run"
words=$work/cmdline
at_console=() # what answers questions

# unlock STATUS: what it wrote is in $memory/out, what it said in $work/said.
unlock() {
  local wanted=$1 status=0
  rm -rf "$memory/out" "$memory/run/header"
  ${at_console[@]+"${at_console[@]}"} "$attestd_unlock" --once --name root --device "$disk" --header-out "$memory/run/header" \
    --settings "$work/unlock.toml" --command-line "$words" --agent-config "$work/attestd.toml" --origins "$memory/run/origins" \
    >"$memory/out" 2>"$work/said" || status=$?
  equal "$status" "$wanted" || {
    cat "$work/said"
    return 1
  }
}
refused() {
  unlock "$1" && [ ! -s "$memory/out" ] && [ ! -e "$memory/run/header" ] && has "$2" "$work/said"
}
enrol() {
  "$attestd_unlock" --enrol-vtpm --device "$disk" --key-file "$memory/first" --settings "$work/unlock.toml" \
    --command-line "$words" --agent-config "$work/attestd.toml" "$@" >"$work/said" 2>&1 || {
    cat "$work/said"
    return 1
  }
}
opens() { cryptsetup open --test-passphrase --type luks2 --key-file "$memory/out" --header "$memory/run/header" "$disk"; }

boot
claim "the owner signs this boot" sign "$work/owner.key"
claim "a TPM that the host may own is not enrolled" strictly not enrol
claim "  which says why" has "rd.attestd.vtpm=any allows it" "$work/said"
claim "a volume is enrolled, with a counter" enrol --counter 0x01800100
claim "  its token says so" has '"method":"vtpm"' <(cryptsetup token export --token-id 0 "$disk")
cp "$disk" "$work/older.img"

claim "a TPM that the host may own is not asked" strictly refused 1 "no secret is asked of this TPM"
claim "the key comes" unlock 0
claim "  it opens the volume with the header's copy" opens
claim "  and a note for the agent" has '"key_origin":"vtpm"' "$memory/run/origins/$uuid.json"
claim "  PCR 15 is extended, with a record" has "latched by volume $uuid" "$work/measure.log"
claim "it comes once in a boot" refused 1 "unlocked before in this boot"
boot
claim "it comes in the next" unlock 0
claim "  and opens the volume" opens
boot
claim "an older copy of the disk is refused" of_older refused 1 "the disk is an older copy"
tpm2_pcrextend "11:sha256=$(printf '%064d' 1)"
claim "a boot that the owner did not sign is refused" refused 1 "no signature covers this boot's PCRs 4, 7, 11, 12"
claim "  though another signs it" sign "$work/other.key"
claim "  whose key is not the owner's" refused 1 "no PCR policy is signed by the owner's key"
claim "the owner signs it" sign "$work/owner.key"
claim "  and the key comes, without sealing anew" unlock 0
claim "  and opens the volume" opens

# The disk and the TPM's state, moved together.
end_process "$tpm_process" && cp -r "$work/state" "$work/moved" && mv "$work/state" "$work/origin" && mv "$work/moved" "$work/state"
boot
claim "what moved with its TPM is the old one" sign "$work/owner.key"
claim "  and opens" unlock 0
boot
rm -rf "$work/origin"

# attestctl signs, as the owner did by hand.
values() {
  tpm2_pcrread sha256:4,7,11,12 | sed -n 's/^ *\([0-9]*\) *: 0x\([0-9A-F]*\)$/"\1":"\L\2"/p' | paste -s -d , | sed 's/.*/{"sha256":{&}}/' >"$work/values.json"
}
member() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["sha256"][-1][sys.argv[2]])' "$work/signed.json" "$1"; }
by_openssl() { member sig | base64 -d >"$work/signed.sig" && member pol | xxd -r -p >"$work/signed.pol" && openssl dgst -sha256 -verify "$work/$1.pem" -signature "$work/signed.sig" "$work/signed.pol"; }
openssl pkey -in "$work/other.key" -pubout -out "$work/other.pem"
claim "this boot's PCRs" values
claim "attestctl signs them" runs 0 pcr-policy sign --key "$work/owner.key" --values "$work/values.json" -o "$work/signed.json"
claim "  by hand it is the same policy" sign "$work/owner.key"
claim "    and the same key" has "\"pkfp\":\"$(member pkfp)\",\"pol\":\"$(member pol)\"" "$work/signatures.json"
claim "  OpenSSL finds the signature good" by_openssl owner
claim "    and not another's" not by_openssl other
claim "  attestctl shows it" runs 0 pcr-policy show "$work/signed.json" --public-key "$work/owner.pem"
claim "    and whose it is not" runs 1 pcr-policy show "$work/signed.json" --public-key "$work/other.pem"
cp "$work/signed.json" "$work/signatures.json"
claim "  the key comes" unlock 0
printf '{"sha256":{"4":"%064d","7":"%064d","11":"%064d","12":"%064d"}}' 1 2 3 4 >"$work/next.json"
claim "another boot is signed beside it" runs 0 pcr-policy sign --key "$work/owner.key" --values "$work/next.json" --add-to "$work/signatures.json" -o "$work/signatures.json"
claim "  and again, without a second of the same" runs 0 pcr-policy sign --key "$work/owner.key" --values "$work/next.json" --add-to "$work/signatures.json" -o "$work/signatures.json"
claim "  two are there" equal "$(grep -o '"pol"' "$work/signatures.json" | wc -l)" 2
boot
claim "  and the key comes" unlock 0
claim "no values, no signature" runs 2 pcr-policy sign --key "$work/owner.key"
claim "a PCR without a value" runs 2 pcr-policy sign --key "$work/owner.key" --pcrs 4,9 --values "$work/values.json"
claim "a key that is none" runs 2 pcr-policy sign --key "$work/owner.pem" --values "$work/values.json"

# A TPM that was cleared or replaced: docs/vtpm.md, Recovery.
boot
claim "a cleared TPM" tpm2_clear
claim "  is named" refused 2 "the TPM was cleared"
claim "the volume is enrolled anew" enrol --counter 0x01800100
claim "  the old token is tried first" refused 2 "the TPM was cleared"
slot=$(cryptsetup token export --token-id 0 "$disk" | sed -n 's/.*"keyslots":\["\([0-9]*\)"\].*/\1/p')
claim "  it is removed" cryptsetup token remove --token-id 0 "$disk"
claim "  with its keyslot" cryptsetup luksKillSlot -q --key-file "$memory/first" "$disk" "$slot"
claim "  and the key comes" unlock 0
claim "  and opens the volume" opens
boot
claim "  in the next boot too" unlock 0

# A PIN.
printf '1234' >"$memory/pin"
printf 'wrong\n1234\n' >"$work/second"
printf 'wrong\nwrong\nwrong\n1234\n' >"$work/never"
cp "$disk" "$work/pin.img" && disk=$work/pin.img
for id in 0 1; do cryptsetup token remove --token-id $id "$disk" 2>/dev/null; done
sed 's/$/ rd.attestd.pin=console/' "$work/cmdline" >"$work/asks"
boot
claim "a volume is enrolled with a PIN" enrol --pin-file "$memory/pin"
claim "nobody is asked for it" refused 2 "lets nobody be asked for one (rd.attestd.pin=console)"
words=$work/asks at_console=("$source/tests/integration/servers/console.py" "$work/second")
claim "where it may be asked for, the second answer is right" unlock 0
claim "  and opens the volume" opens
claim "  the question was on the console" has "PIN of volume root" "$work/second.seen"
claim "  and the answer was not" not grep -q 1234 "$work/second.seen"
boot
at_console=("$source/tests/integration/servers/console.py" "$work/never")
claim "after three wrong ones there is no fourth" refused 2 "the PIN is wrong"
at_console=("$source/tests/integration/servers/console.py" "$work/second")
claim "the TPM takes none for some time" refused 2 "accepts no PIN for some time"
claim "  until its owner says so" tpm2_dictionarylockout --clear-lockout
claim "  and the key comes" unlock 0
boot
tpm2_pcrextend "11:sha256=$(printf '%064d' 5)"
claim "in a boot that was not signed nobody is asked" refused 1 "no signature covers this boot's PCRs"
claim "  " not has "PIN of" "$work/second.seen"
words=$work/cmdline at_console=() disk=$work/disk.img
end_process "$tpm_process"
claim "no TPM is named" refused 2 "cannot reach a TPM"
tpm_process=''

# Volumes of systemd's.
rm -rf "$work/state"
boot
truncate -s 24M "$work/systemd.img"
cryptsetup luksFormat -q --type luks2 --uuid $uuid --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file "$memory/first" "$work/systemd.img"
disk=$work/systemd.img
if command -v systemd-cryptenroll >/dev/null &&
  PASSWORD='the first passphrase' systemd-cryptenroll "--tpm2-device=swtpm:path=$work/tpm" --tpm2-pcrs=7 "$disk" >"$work/said" 2>&1; then
  claim "what systemd-cryptenroll enrolled opens" unlock 0
  claim "  by its passphrase" opens
  claim "  and only where any TPM will do" strictly refused 1 "does not say which TPM"
fi

# systemd itself believes what attestctl signed, and seals to it.
openssl genrsa -out "$work/rsa.key" 2048 2>/dev/null && openssl pkey -in "$work/rsa.key" -pubout -out "$work/rsa.pem"
boot
cryptsetup luksFormat -q --type luks2 --uuid $uuid --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file "$memory/first" "$disk"
claim "this boot's PCRs again" values
claim "attestctl signs PCR 11 by an RSA key" runs 0 pcr-policy sign --key "$work/rsa.key" --pcrs 11 --values "$work/values.json" -o "$work/signatures.json"
by_systemd() {
  PASSWORD='the first passphrase' systemd-cryptenroll "--tpm2-device=swtpm:path=$work/tpm" --tpm2-pcrs=7 "--tpm2-public-key=$work/rsa.pem" \
    --tpm2-public-key-pcrs=11 "--tpm2-signature=$1" "$disk"
}
if command -v systemd-cryptenroll >/dev/null; then
  claim "systemd-cryptenroll takes it" by_systemd "$work/signatures.json"
  claim "  and it opens" unlock 0
  boot
  tpm2_pcrextend "11:sha256=$(printf '%064d' 6)"
  claim "in another boot it does not" refused 1 "no signature covers"
fi

# What systemd-measure signs is found good, by the same fingerprint.
measure=/lib/systemd/systemd-measure
if [ -x $measure ]; then
  boot
  printf 'a kernel' >"$work/linux"
  # shellcheck disable=SC2016 # the inner shell's
  claim "systemd-measure signs" bash -c '"$1" sign --linux="$2/linux" --private-key="$2/rsa.key" --public-key="$2/rsa.pem" --bank=sha256 \
    --phase=enter-initrd "--tpm2-device=swtpm:path=$2/tpm" >"$2/measured.json"' - $measure "$work"
  claim "  and attestctl finds it good" runs 0 pcr-policy show "$work/measured.json" --public-key "$work/rsa.pem"
fi

# The same by attestctl, which changes the header in memory, by attestd-unlock, and then writes it.
printf '#!/bin/sh\nexec "%s" "$@" --agent-config "%s"\n' "$attestd_unlock" "$work/attestd.toml" >"$work/attestd-unlock"
chmod +x "$work/attestd-unlock"
disk=$work/second.img
truncate -s 24M "$disk"
cryptsetup luksFormat -q --type luks2 --uuid $uuid --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file "$memory/first" "$disk"
by_attestctl() {
  runs "$1" disk "$2" "$disk" --method vtpm --settings "$work/unlock.toml" --command-line "$words" "${@:3}"
}
made=(--key-file "$memory/first" --unlock-program "$work/attestd-unlock")
opened() { cryptsetup open --test-passphrase --type luks2 --key-file "$1" --header "$memory/run/header" "$disk"; }
boot
sign "$work/owner.key"
claim "attestctl disk enroll --method vtpm" by_attestctl 0 enroll "${made[@]}"
claim "  opens by the TPM" unlock 0
claim "  really" opened "$memory/out"
cp "$memory/out" "$memory/before"
claim "attestctl disk rotate --method vtpm" by_attestctl 0 rotate "${made[@]}"
claim "  leaves one token" equal "$(runs 0 disk status "$disk" --json && jq '.volumes[0].tokens | length' "$work/out")" 1
boot
sign "$work/owner.key"
claim "  opens by the TPM at the next boot" unlock 0
claim "  with another key" not cmp "$memory/out" "$memory/before"
claim "  the one before opens nothing" not cryptsetup open --test-passphrase --type luks2 --key-file "$memory/before" "$disk"

# Rotation keeps how it was sealed; the PIN it cannot know.
bound() { cryptsetup luksDump --dump-json-metadata "$disk" | jq -c '[.tokens[].attestd.vtpm | .pcrs, .counter.index, .pin]'; }
claim "the token goes" by_attestctl 0 remove
boot
claim "this boot's PCRs once more" values
claim "  fewer of them are signed" runs 0 pcr-policy sign --key "$work/owner.key" --pcrs 4,7,11 --values "$work/values.json" -o "$work/signatures.json"
claim "enroll with PCRs, a counter and a PIN" by_attestctl 0 enroll "${made[@]}" --pcrs 4,7,11 --counter 0x01800200 --pin-file "$memory/pin"
claim "  as its token says" equal "$(bound)" '[[4,7,11],"0x01800200",true]'
cp "$disk" "$work/with-pin.img"
claim "rotate without the PIN" by_attestctl 2 rotate "${made[@]}"
claim "  says what is missing" has "--pin-file" "$work/err"
claim "  and not only when it is meant" by_attestctl 2 rotate "${made[@]}" --dry-run
claim "  changes nothing" cmp "$disk" "$work/with-pin.img"
claim "rotate with it" by_attestctl 0 rotate "${made[@]}" --pin-file "$memory/pin"
claim "  keeps PCRs, counter and PIN" equal "$(bound)" '[[4,7,11],"0x01800200",true]'
cp "$memory/pin" "$work/right"
words=$work/asks at_console=("$source/tests/integration/servers/console.py" "$work/right")
claim "  no wrong PIN is counted" tpm2_dictionarylockout --clear-lockout
claim "  and the key comes for the PIN" unlock 0
claim "  and opens the volume" opened "$memory/out"
words=$work/cmdline at_console=()
claim "a TPM that seals nothing changes nothing" by_attestctl 2 enroll --key-file "$memory/absent" --unlock-program "$work/attestd-unlock"
claim "attestctl disk remove --method vtpm" by_attestctl 0 remove
claim "  leaves no token" refused 2 "no token"
finish
