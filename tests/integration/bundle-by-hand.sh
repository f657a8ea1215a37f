#!/usr/bin/env bash
# What our bundle says can be recomputed with tools that are not ours.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

start_sim
start_agent
claim "the agent gives evidence" ask "{\"nonce\":\"$good_nonce\",\"purpose\":\"monitor\"}"
claim "with status 200" equal "$code" 200
bundle=$work/bundle.json
cp "$work/answer" "$bundle"
for name in statement snp-report tpm-quote tpm-signature tpm-ak firmware-event-log userspace-event-log; do part $name "$bundle" >"$work/$name"; done
part tpm-pcrs "$bundle" >"$work/pcrs.json"

claim "the statement has our nonce" equal "$(jq -r .nonce "$work/statement")" $good_nonce
root=$( (printf '\0' && cat "$work/statement") | sha512sum | cut -d' ' -f1)
claim "sha512sum of 0x00 and the statement is the report data" \
  equal "$(dd if="$work/snp-report" bs=1 skip=$((0x50)) count=64 status=none | od -An -v -tx1 | tr -d ' \n')" "$root"
claim "one flipped bit in the statement changes it" not equal \
  "$( (printf '\0' && sed 's/monitor/monitos/' "$work/statement") | sha512sum | cut -d' ' -f1)" "$root"

# TPM2B_PUBLIC is a TPMT_PUBLIC with its length in front.
size=$(stat -c %s "$work/tpm-ak")
(printf '%b' "$(printf '\\x%02x\\x%02x' $((size / 256)) $((size % 256)))" && cat "$work/tpm-ak") >"$work/ak.pub"
qualifying=$(dd if="$work/snp-report" bs=1 skip=$((0x50)) count=64 status=none | sha256sum | cut -d' ' -f1)
claim "tpm2_checkquote accepts our quote over sha256 of the report data" \
  tpm2_checkquote -u "$work/ak.pub" -m "$work/tpm-quote" -s "$work/tpm-signature" -g sha256 -q "$qualifying"
claim "tpm2_checkquote refuses it with another nonce" not \
  tpm2_checkquote -u "$work/ak.pub" -m "$work/tpm-quote" -s "$work/tpm-signature" -g sha256 -q "${qualifying%?}$([ "${qualifying: -1}" = 0 ] && echo 1 || echo 0)"

# "INDEX DIGEST" lines: what the quote covers, and what tpm2_eventlog replays.
jq -r '.sha256 | to_entries[] | "\(.key) \(.value)"' "$work/pcrs.json" | sort -n >"$work/quoted"
tpm2_eventlog "$work/firmware-event-log" 2>/dev/null |
  awk '/^pcrs:/ {on = 1} on && /^  [a-z0-9]+:/ {bank = $1} on && bank == "sha256:" && /^ +[0-9]+ *:/ {
    sub(":", "", $1); value = $NF; sub("^0x", "", value); print $1, value}' | sort -n >"$work/replayed"
claim "tpm2_eventlog replays something" test -s "$work/replayed"
# systemd's own log goes on where the firmware's ends; each record extends a
# PCR with sha256(value || digest).
extended() {
  local records index digest value
  records=$(tr -d '\036' <"$work/userspace-event-log" |
    jq -r '[.pcr, (.digests[] | select(.hashAlg == "sha256") | .digest)] | "\(.[0]) \(.[1])"') || return 1
  cp "$work/replayed" "$work/extended"
  while read -r index digest; do
    [ -n "$index" ] || continue
    value=$(sed -n "s/^$index //p" "$work/extended")
    [ -n "$value" ] || value=$(printf '%064d' 0)
    # shellcheck disable=SC2001
    value=$(printf '%b' "$(sed 's/../\\x&/g' <<<"$value$digest")" | sha256sum | cut -d' ' -f1)
    sed -i "/^$index /d" "$work/extended"
    echo "$index $value" >>"$work/extended"
  done <<<"$records"
}
agree() {
  local index value
  while read -r index value; do
    equal "$(sed -n "s/^$index //p" "$work/quoted")" "$value" || {
      echo "(PCR $index)"
      return 1
    }
  done <"$work/extended"
}
claim "systemd's log extends them by hand" extended
claim "the PCRs are those that the TPM quoted" agree
"$attestctl" inspect --json "$work/firmware-event-log" >"$work/inspected.json" 2>"$work/inspect.err"
ours() { jq -r '[.. | objects | select(has("sha256")) | .sha256 | objects][0] | to_entries[] | "\(.key) \(.value)"' "$work/inspected.json" | sort -n >"$work/ours" && cmp "$work/ours" "$work/replayed"; }
claim "attestctl inspect replays the same" ours
finish
