#!/usr/bin/env bash
# A quote that tpm2-tools takes from a real (software) TPM verifies with ours,
# and every way in which it is wrong is refused.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

for tool in swtpm tpm2_quote tpm2_createak; do
  command -v $tool >/dev/null || skip "no $tool here"
done

mkdir "$work/tpm"
swtpm socket --tpm2 --tpmstate dir="$work/tpm" --flags not-need-init,startup-clear \
  --server type=unixio,path="$work/tpm/socket" --ctrl type=unixio,path="$work/tpm/socket.ctrl" \
  >"$work/swtpm.log" 2>&1 &
started $!
await_from $! 10 test -S "$work/tpm/socket" || {
  cat "$work/swtpm.log"
  exit 1
}
export TPM2TOOLS_TCTI="swtpm:path=$work/tpm/socket"
cd "$work" || exit 1

nonce=00112233445566778899aabbccddeeff
# set_up ALGORITHM SCHEME: an attestation key and a quote by it.
# Without a resource manager each command leaves its objects in the TPM's few slots.
free_slots() { tpm2_flushcontext -t && tpm2_flushcontext -s; }
set_up() {
  tpm2_createek -Q -c ek.ctx -G "$1" -u ek.pub && free_slots &&
    tpm2_createak -Q -C ek.ctx -c ak.ctx -G "$1" -g sha256 -s "$2" -u ak.pub && free_slots
}
quote() {
  tpm2_quote -Q -c ak.ctx -l "$1" -q "$nonce" -m quote -s signature -o pcrs -g sha256 --scheme "$scheme" && free_slots
}
verify() { "$attestctl" verify tpm --quote quote --signature signature --ak ak.pub "$@"; }
# The exit status speaks of all checks together; here it is one by one.
result() {
  verify --json "${@:3}" >"$work/verdict"
  jq -e --arg id "$1" --arg want "$2" '.checks[] | select(.id == $id) | .result == $want' "$work/verdict"
}
flip() {
  python3 -c 'import sys; p, n = sys.argv[1], int(sys.argv[2]); b = bytearray(open(p, "rb").read()); b[n] ^= 1; open(p, "wb").write(b)' "$1" "$2"
}

for key in "rsa rsassa" "rsa rsapss" "ecc ecdsa"; do
  read -r algorithm scheme <<<"$key"
  claim "tpm2-tools makes an $algorithm key for $scheme and quotes" eval "set_up $algorithm $scheme && quote sha256:0,7,16"
  claim "  its signature passes" result tpm.signature pass --pcrs pcrs
  claim "  its key passes" result tpm.ak pass --pcrs pcrs
  claim "  its PCR values pass" result tpm.pcrs pass --pcrs pcrs
  cp quote quote.good
  flip quote 60
  claim "  with a flipped bit the signature fails" result tpm.signature fail --pcrs pcrs
  claim "  and the exit status is 1" eval 'verify --pcrs pcrs; [ $? -eq 1 ]'
  mv quote.good quote
done

# shellcheck disable=SC2016 # eval expands it
claim "after an extend the old values fail against the new quote" eval \
  'cp pcrs old && tpm2_pcrextend 16:sha256=$(printf %064d 1) && quote sha256:0,7,16 && result tpm.pcrs fail --pcrs old'
claim "and the new values pass" result tpm.pcrs pass --pcrs pcrs
claim "a quote over two banks passes" eval 'quote sha1:0,1+sha256:0,1,2,3,4,5,6,7,8,9 && result tpm.pcrs pass --pcrs pcrs'
finish
