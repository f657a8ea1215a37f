#!/usr/bin/env bash
# Each platform of attestd-sim, from the agent's detection to the five answers.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v jq >/dev/null || skip "no jq here"
[ -c /dev/fuse ] || skip "no FUSE here"

platforms=(snp tdx azure-snp azure-tdx aws gcp svsm)
# Who keeps the vTPM from the host, as question 3 says it; how the agent names the platform.
isolation() {
  case $1 in
  azure-*) echo paravisor ;;
  aws) echo nitro ;;
  svsm) echo vmpl ;;
  *) echo host ;;
  esac
}
detected() {
  case $1 in
  azure-*) echo "$1" ;;
  snp | tdx) echo "kvm-$1" ;;
  *) echo "$1-snp" ;;
  esac
}

bundle=$work/bundle.json policy=$work/policy.toml nonce=00112233445566778899aabbccddeeff
status() { "$attestctl" status --socket "$socket" --json >"$work/status.json"; }
evidence() { "$attestctl" evidence --from "$socket" --nonce "$nonce" -o "$bundle"; }
init() { name_roots && "$attestctl" policy init --from "$bundle" "${roots[@]}" -o "$policy"; }
# A root vouches for what it is named for.
roots=()
name_roots() {
  local use
  roots=(--trust-root "$work/vm/trust-root.pem")
  for use in vtpm nitro; do
    if [ -e "$work/vm/trust-$use-root.pem" ]; then roots+=("--trust-$use-root" "$work/vm/trust-$use-root.pem"); fi
  done
}
# Intel's service would give this; a quote does not carry it.
collateral=()
# The verdict goes to $work/verdict.json, whatever it is.
verify() { "$attestctl" verify --from "$socket" --policy "$policy" "${collateral[@]}" --json >"$work/verdict.json"; }
# An older bundle, asked about with another nonce. jq -e is no use: it is content with empty input.
refuses_replay() {
  local state=0
  "$attestctl" verify "$bundle" --nonce ffffffffffffffffffffffffffffffff --policy "$policy" "${collateral[@]}" --json >"$work/replay.json" || state=$?
  equal "$state" 1 && verdict_of refused "$work/replay.json" &&
    equal "$(jq -r '.checks[] | select(.id == "binding.nonce") | .result' "$work/replay.json")" fail
}
doubts_boot_chain() {
  not verify && verdict_of undecided "$work/verdict.json" && equal "$(jq -r .answers.boot_chain.answer "$work/verdict.json")" unknown
}
reason() { equal "$(jq -r --arg q "$1" --arg c "$2" '[.answers[$q].reasons[].code] | index($c) != null' "$work/verdict.json")" true; }
yes_to() { equal "$(jq -r --arg q "$1" '.answers[$q].answer' "$work/verdict.json")" yes; }
sees() { equal "$(jq -r .platform.name "$work/status.json")" "$1" && equal "$(jq -r '.platform.reasons | length > 0' "$work/status.json")" true; }
simulated() { equal "$(jq -r .simulated "$work/verdict.json")" true; }
verdict_of() { equal "$(jq -r .verdict "$2")" "$1"; }
# What went wrong, when something did.
explained() {
  "$@" && return 0
  jq -c '.answers | to_entries[] | [.key, .value.answer, [.value.reasons[].text]]' "$work/verdict.json"
  jq -c '.checks[] | select(.result != "pass")' "$work/verdict.json"
  return 1
}

"$attestd_sim" run --help >"$work/help"
for platform in "${platforms[@]}"; do
  claim "$platform: attestd-sim can be it" grep -qE "[{,]${platform}[,}]" "$work/help" || continue
  rm -rf "$work/vm"
  sim_options=(--platform "$platform")
  start_sim
  collateral=()
  [ ! -d "$work/vm/collateral" ] || collateral=(--collateral "$work/vm/collateral")
  start_agent
  claim "$platform: the agent gives its status" status
  claim "$platform:   and sees $(detected "$platform"), with its reasons" sees "$(detected "$platform")"
  claim "$platform: the agent gives evidence" evidence
  claim "$platform: a policy can be made of it" init
  claim "$platform: evidence is verified" verify
  claim "$platform:   and trusted" explained verdict_of trusted "$work/verdict.json"
  claim "$platform:   as simulated" simulated
  for question in hardware initial_state boot_chain; do
    claim "$platform:   with a yes to $question" explained yes_to $question
  done
  claim "$platform:   and says who isolates the vTPM: $(isolation "$platform")" explained reason boot_chain "vtpm-$(isolation "$platform")"
  claim "$platform: a replayed bundle is refused for its nonce" refuses_replay
  if [ "$platform" = svsm ]; then
    claim "$platform: the manifest names another vTPM's key" "$attestd_sim" fault --state "$work/vm" manifest
    claim "$platform:   and the vTPM is not believed" doubts_boot_chain
  fi
  claim "$platform: the simulator says how it is" "$attestd_sim" status --state "$work/vm"
  end_process "$agent_process"
  end_process "$sim_process"
done
finish
