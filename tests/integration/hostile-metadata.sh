#!/usr/bin/env bash
# Azure's metadata service belongs to the host. Whatever it does, evidence is
# refused with a reason or not made with a reason, and never trusted.
# usage: hostile-metadata.sh BUILD
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v jq >/dev/null || skip "no jq here"
[ -c /dev/fuse ] || skip "no FUSE here"

nonce=00112233445566778899aabbccddeeff
bundle=$work/bundle.json policy=$work/policy.toml
fault() { "$attestd_sim" fault --state "$work/vm" "$@"; }
evidence() {
  rm -f "$bundle"
  "$attestctl" evidence --from "$socket" --nonce "$nonce" -o "$bundle"
}
init() { "$attestctl" policy init --from "$bundle" --trust-root "$work/vm/trust-root.pem" -o "$policy"; }
# verify OPTION…: the verdict goes to $work/verdict.json, whatever it is.
verify() {
  "$attestctl" verify "$bundle" --nonce "$nonce" --policy "$policy" "${collateral[@]}" "$@" --json >"$work/verdict.json"
}
verdict() { jq -r .verdict "$work/verdict.json"; }
trusted() { verify "$@" && equal "$(verdict)" trusted; }
# refused CHECK: it is that check which fails.
refused() {
  local state=0
  verify || state=$?
  equal "$state" 1 && equal "$(verdict)" refused &&
    equal "$(jq -r --arg id "$1" '.checks[] | select(.id == $id) | .result' "$work/verdict.json")" fail
}
# A verdict without the VCEK: not trusted, and it says what is missing.
undecided() {
  local state=0
  verify || state=$?
  [ "$state" -ne 0 ] && equal "$(verdict)" undecided && equal "$(jq -r .answers.hardware.answer "$work/verdict.json")" unknown &&
    equal "$(jq -r '.answers.hardware.reasons | length > 0' "$work/verdict.json")" true && has "certificate" "$work/verdict.json"
}
# no_evidence TEXT: none is made, and the answer has this reason.
no_evidence() {
  if evidence >"$work/answer.log" 2>&1; then
    echo "evidence was made"
    return 1
  fi
  cat "$work/answer.log"
  not has "TPM does not answer" "$work/answer.log" && has "metadata service" "$work/answer.log" && grep -qE -- "$1" "$work/answer.log"
}
agent_names() { grep -qE -- "metadata service.*($1)" "$work/agent.log"; }
# The agent keeps what the service gave for the VM's life: each fault needs a new one.
new_agent() {
  [ -z "${agent_process:-}" ] || end_process "$agent_process"
  rm -f "$work/agent.log"
  start_agent
}

# How the agent names each fault. A slow machine may not get through 100 MB in time.
declare -A reason=(
  [absent]=404 [garbage]="JSON" [huge]="more than|within" [silent]="within" [redirect]="redirect" [busy]="429")

for platform in azure-snp azure-tdx; do
  rm -rf "$work/vm"
  sim_options=(--platform "$platform")
  start_sim
  collateral=()
  [ ! -d "$work/vm/collateral" ] || collateral=(--collateral "$work/vm/collateral")
  agent_process=''
  new_agent
  claim "$platform: evidence with an honest service" evidence
  claim "$platform: a policy is made of it" init
  claim "$platform: and it is trusted" trusted

  for kind in absent garbage huge silent redirect busy; do
    claim "$platform: the metadata service is $kind" fault metadata $kind
    new_agent
    if [ "$platform" = azure-snp ]; then
      claim "$platform:   evidence comes without certificates" evidence
      claim "$platform:   and the agent says why" agent_names "${reason[$kind]}"
      claim "$platform:   it is not trusted, for lack of a certificate" undecided
      claim "$platform:   who has the certificates can judge it" trusted --certs "$work/vm/certs"
    else
      claim "$platform:   there is no evidence, with the reason" no_evidence "${reason[$kind]}"
    fi
  done

  claim "$platform: the service gives what is another VM's" fault metadata foreign
  new_agent
  if [ "$platform" = azure-snp ]; then
    claim "$platform:   evidence is made" evidence
    claim "$platform:   and refused: the VCEK is another chip's" refused snp.tcb-binding
  else
    claim "$platform:   the quote is refused by the agent" no_evidence "not of this VM's report"
    claim "$platform: the service gives the quote of another TD, over the same report data" fault metadata other-td
    new_agent
    claim "$platform:   evidence is made" evidence
    claim "$platform:   and refused for its measurement" refused tdx.measurement
  fi

  claim "$platform: the service is honest again" fault clear
  new_agent
  claim "$platform:   evidence is made" evidence
  claim "$platform:   and trusted" trusted
  end_process "$agent_process"
  end_process "$sim_process"
done
finish
