#!/usr/bin/env bash
# Our replay of a firmware event log gives the PCRs that tpm2_eventlog gives.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v tpm2_eventlog >/dev/null || skip "no tpm2_eventlog here"
vectors=${ATTESTD_VECTORS:-$source/../shared/vectors}/tpm/eventlogs
[ -d "$vectors" ] || skip "no genuine event logs here"

# Lines "BANK INDEX HEX", sorted, from the YAML's "pcrs" section.
theirs() {
  tpm2_eventlog "$1" | awk '
    /^pcrs:/ { inside = 1; next }
    inside && /^  [a-z0-9_]+:/ { bank = $1; sub(":", "", bank); next }
    inside && $2 == ":" { print bank, $1, tolower(substr($3, 3)) }' | sort
}
ours() {
  "$attestctl" inspect --json "$1" |
    jq -r '.replay | to_entries[] | .key as $bank | .value | to_entries[] | "\($bank) \(.key) \(.value)"' | sort
}
agree() {
  theirs "$1" >"$work/theirs"
  ours "$1" >"$work/ours"
  [ -s "$work/theirs" ] && diff "$work/theirs" "$work/ours"
}

for log in "$vectors"/*.bin; do
  claim "$(basename "$log") replays as tpm2_eventlog says" agree "$log"
done
# The comparison itself can fail.
one=$vectors/debian-10.bin
flipped() {
  python3 -c 'import sys; b = bytearray(open(sys.argv[1], "rb").read()); b[12] ^= 1; open(sys.argv[2], "wb").write(b)' \
    "$one" "$work/flipped" && theirs "$one" >"$work/theirs" && ours "$work/flipped" >"$work/ours" &&
    ! diff "$work/theirs" "$work/ours"
}
claim "a log with a flipped digest replays to other values" flipped
finish
