#!/usr/bin/env bash
# An AWS instance in software: reports by a VLEK, and a NitroTPM whose document
# says who isolates it.
# usage: aws.sh BUILD
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

nonce=00112233445566778899aabbccddeeff

"$attestd_sim" run --state "$work/vm" --platform aws --in-process >"$work/sim.log" 2>&1 &
started $!
await 60 grep -qx ready "$work/sim.log" || {
  cat "$work/sim.log"
  echo "FAIL  attestd-sim did not start"
  exit 1
}
evidence() { "$attestctl" evidence --from "$work/vm/attestd.sock" --nonce "$nonce" -o "$1"; }
fault() { "$attestd_sim" fault --state "$work/vm" nitro "$1"; }
verify() { "$attestctl" verify "$@" --nonce "$nonce" --json >"$work/verdict.json"; }

claim "the instance makes evidence" evidence "$work/bundle.json"
claim "a policy is made of it" "$attestctl" policy init --from "$work/bundle.json" \
  --trust-root "$work/vm/trust-root.pem" --trust-nitro-root "$work/vm/trust-nitro-root.pem" -o "$work/policy.toml"
claim "the policy demands that Nitro isolates the vTPM" grep -q 'isolation = \["nitro"\]' "$work/policy.toml"
claim "it pins the instance" grep -q 'modules = \["i-0123456789abcdef0-tpm' "$work/policy.toml"
claim "the evidence is trusted" verify "$work/bundle.json" --policy "$work/policy.toml"
claim "question 3 says that Nitro isolates the vTPM" \
  jq -e '[.answers.boot_chain.reasons[].code] | index("vtpm-nitro")' "$work/verdict.json"
claim "a VLEK signed the report" jq -e '.claims.snp.signer == "VLEK"' "$work/verdict.json"
claim "only the SHA-384 bank is quoted" jq -e '.claims.tpm.pcrs | keys == ["sha384"]' "$work/verdict.json"

part nitro-document "$work/bundle.json" >"$work/document.bin"
claim "the document alone verifies under the root" \
  "$attestctl" verify nitrotpm --document "$work/document.bin" --root "$work/vm/trust-nitro-root.pem"
claim "it does not under AWS's" not "$attestctl" verify nitrotpm --document "$work/document.bin"
claim "nor a day later" not "$attestctl" verify nitrotpm --document "$work/document.bin" \
  --root "$work/vm/trust-nitro-root.pem" --at "$(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)"
claim "it can be inspected" "$attestctl" inspect --json "$work/document.bin"

# A host that takes the document out, or puts an older one in.
jq 'del(."nitro-document")' "$work/bundle.json" >"$work/without.json"
claim "without its document the vTPM is the host's" not verify "$work/without.json" --policy "$work/policy.toml"
claim "and question 3 says so" \
  jq -e '[.answers.boot_chain.reasons[].code] | index("vtpm-not-isolated")' "$work/verdict.json"
claim "another asker gets another document" evidence "$work/second.json"
jq --slurpfile old "$work/bundle.json" '."nitro-document" = $old[0]."nitro-document"' "$work/second.json" >"$work/replayed.json"
claim "an older document is refused" not verify "$work/replayed.json" --policy "$work/policy.toml"
claim "because it carries another root" \
  jq -e '.checks[] | select(.id == "nitro.binding" and .result == "fail")' "$work/verdict.json"

for kind in enclave pcrs nonce refuse; do
  claim "fault $kind" fault "$kind"
  claim "no evidence is made with fault $kind" not evidence "$work/fault.json"
done
claim "the NitroTPM recovers" fault none
claim "and so does the agent" evidence "$work/third.json"

finish
