# Shared by the boots whose root opens by a vTPM; sourced, never run. swtpm is the machine's TPM, so it
# is the host's, and rd.attestd.vtpm=any says that this is wanted. Its state and the disk stay from one
# boot to the next. What the owner signed lies on a small disk of its own, which nothing measures.
# shellcheck shell=bash disable=SC2034,SC2154 # what the tests use, and what attested-lib.sh sets
# shellcheck source=tests/boot/attested-lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/attested-lib.sh"

firmware=ovmf
command -v swtpm >/dev/null || skip "no swtpm here"
[ -r /usr/share/OVMF/OVMF_CODE_4M.fd ] || skip "no OVMF here"

make_owner() {
  local name
  mkdir -p "$1" || return 1
  for name in owner other; do
    openssl ecparam -name prime256v1 -genkey -noout -out "$1/$name.key" && openssl pkey -in "$1/$name.key" -pubout -out "$1/$name.pem" || return 1
  done
}
# What attested-lib.sh has, with the owner's public key in initrd and root, and attestd-unlock in the root too.
make_enrolling() {
  local out=$1 part
  cp -r "${more_of_root%/root}" "$out" || return 1
  for part in initrd root; do install -D -m 0644 "$owner/owner.pem" "$out/$part/etc/systemd/tpm2-pcr-public-key.pem" || return 1; done
  install -m 0755 "$program" "$out/root/usr/sbin/attestd-unlock" && cp "$source"/tests/boot/vtpm/* "$out/root/usr/lib/boot-marker"
}
made_once "$cache/owner-$(digest_of "$(declare -f make_owner)")" make_owner || exit 1
owner=$made
made_once "$cache/enrolling-$(digest_of "$more_of_root" "$owner" "$program" "$source/tests/boot/vtpm" "$(declare -f make_enrolling)")" make_enrolling || exit 1
more_of_initrd=$made/initrd more_of_root=$made/root

signatures=$work/signatures.img
truncate -s 1M "$signatures"
by_tpm="rd.attestd.method=vtpm" any="rd.attestd.vtpm=any"
# On every command line: it is measured.
header_copy+=" rd.attestd.vtpm-signatures=/dev/disk/by-id/virtio-signatures"
tpm_machine=("${with_evidence[@]}" -drive "if=none,id=signatures,format=raw,readonly=on,file=$signatures"
  -device "virtio-blk-pci,drive=signatures,serial=signatures")
machine=("${tpm_machine[@]}")
refused="attestd: the key of volume root was refused"

sign() { "$attestctl" pcr-policy sign --key "$1" --pcrs 4,7,9,11,12 "${@:2}"; }
# values_now: those that the owner signed, but for PCRs that the console says are others now.
values_now() {
  python3 - "$work/signatures.json" "$console" <<'END'
import json, re, sys
values = json.load(open(sys.argv[1]))["sha256"][-1]["values"]
said = re.search(r"\(now ([0-9a-f=, ]*)\)", open(sys.argv[2]).read())
values.update(one.split("=") for one in said.group(1).split(", "))
print(json.dumps({"sha256": values}))
END
}
# signed FILE: is what the next machines find on the small disk.
signed() { truncate -s 0 "$signatures" && cp "$1" "$signatures" && truncate -s 1M "$signatures"; }
# keep NAME, put_back NAME PART…: state of the TPM and the disk, of a moment.
keep() {
  mkdir -p "$work/kept-$1" && cp "$work/tpm/tpm2-00.permall" "$work/kept-$1" && cp --sparse=always "$disk_image" "$work/kept-$1/disk.img"
}
put_back() {
  local name=$1 part
  shift
  for part in "$@"; do
    case $part in
      tpm) cp "$work/kept-$name/tpm2-00.permall" "$work/tpm" ;;
      disk) cp --sparse=always "$work/kept-$name/disk.img" "$disk_image" ;;
    esac || return 1
  done
}
# zero_values: of PCRs before a boot, as JSON.
zero_values() { python3 -c 'import json; print(json.dumps({"sha256": {str(pcr): "0" * 64 for pcr in (4, 7, 9, 11, 12)}}))'; }
# enrol_outside: the machine is off, and its TPM runs here for once.
enrol_outside() {
  mkdir -p "$work/tpm" "$work/outside"
  swtpm socket --tpm2 --tpmstate "dir=$work/tpm" --ctrl "type=unixio,path=$work/outside/tpm.ctrl" \
    --server "type=unixio,path=$work/outside/tpm" --flags not-need-init,startup-clear >"$work/outside/log" 2>&1 &
  local process=$! status=0
  started "$process"
  await_from "$process" 10 test -S "$work/outside/tpm.ctrl" || return 1
  printf '[tpm]\ntcti = "swtpm:path=%s"\n' "$work/outside/tpm" >"$work/outside/attestd.toml"
  echo "$any rd.attestd.vtpm-key=$owner/owner.pem" >"$work/outside/cmdline"
  "$build/unlock/attestd-unlock" --enrol-vtpm --device "$disk_image" --key-file "$disk/key" --pcrs 4,7,9,11,12 \
    --settings "$work/outside/none" --command-line "$work/outside/cmdline" --agent-config "$work/outside/attestd.toml" || status=$?
  end_process "$process"
  return "$status"
}
