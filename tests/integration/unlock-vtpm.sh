#!/usr/bin/env bash
# attestd-unlock with rd.attestd.method=vtpm: enrolled in a real swtpm, opened by it, in signed
# boots only, once a boot, and no older copy of the disk.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v cryptsetup >/dev/null || skip "no cryptsetup here"
command -v swtpm >/dev/null || skip "no swtpm here"
command -v tpm2_createpolicy >/dev/null || skip "no tpm2-tools here"
memory=$(mktemp -d /dev/shm/attestd-test.XXXXXX) || skip "no /dev/shm here"
trap 'rm -rf "$memory"; clean_up' EXIT
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
    openssl pkey -in "$1" -pubout -outform DER -out "$work/public.der" &&
    printf '{"sha256":[{"pcrs":[4,7,11,12],"pkfp":"%s","pol":"%s","sig":"%s"}]}\n' \
      "$(sha256sum <"$work/public.der" | cut -d' ' -f1)" "$(od -An -v -tx1 "$work/policy" | tr -d ' \n')" \
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

# unlock STATUS: what it wrote is in $memory/out, what it said in $work/said.
unlock() {
  local wanted=$1 status=0
  rm -rf "$memory/out" "$memory/run/header"
  "$attestd_unlock" --once --name root --device "$disk" --header-out "$memory/run/header" --settings "$work/unlock.toml" \
    --command-line "$words" --agent-config "$work/attestd.toml" --origins "$memory/run/origins" \
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
boot
claim "a cleared TPM" tpm2_clear
claim "  is named" refused 2 "the TPM was cleared"
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
finish
