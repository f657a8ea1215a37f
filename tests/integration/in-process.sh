#!/usr/bin/env bash
# The software CVM without FUSE: attestd in the simulator's process proves itself.
# usage: in-process.sh BUILD
set -eu
build=$(realpath "$1")
folder=$(mktemp -d)
simulator=
finish() {
  if [ -n "$simulator" ]; then
    kill "$simulator" 2>/dev/null || true
    wait "$simulator" || true
  fi
  rm -rf "$folder"
}
trap finish EXIT

"$build/sim/attestd-sim" run --state "$folder/vm" --in-process >"$folder/log" 2>&1 &
simulator=$!
for _ in $(seq 600); do
  if grep -qx ready "$folder/log"; then break; fi
  kill -0 "$simulator" || { cat "$folder/log"; exit 1; }
  sleep 0.1
done
grep -qx ready "$folder/log"

"$build/client/attestctl" evidence --from "$folder/vm/attestd.sock" --nonce 00112233445566778899aabbccddeeff -o "$folder/bundle.json"
"$build/client/attestctl" policy init --from "$folder/bundle.json" --trust-root "$folder/vm/trust-root.pem" -o "$folder/policy.toml"
"$build/client/attestctl" verify "$folder/bundle.json" --nonce 00112233445566778899aabbccddeeff \
  --policy "$folder/policy.toml" --json >"$folder/verdict.json"
jq -e '.verdict == "trusted" and .answers.hardware.reasons[0].code == "simulated"' "$folder/verdict.json"
if mount | grep -F "$folder"; then
  echo "something is mounted, though nothing should be"
  exit 1
fi
kill "$simulator"
wait "$simulator"
simulator=
