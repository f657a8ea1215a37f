#!/usr/bin/env bash
# attestctl watch: a table on a terminal, lines elsewhere, and a terminal that is as it was.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

start_sim
start_agent
write_policy

# once STATUS POLICY HOST…: what it writes is in $work/out.
once() {
  runs "$1" watch --once --policy "$2" "${@:3}"
}
claim "one trusted host: status 0" once 0 "$work/policy.toml" "unix:$socket"
claim "  its line says so" has "trusted" "$work/out"
claim "  without escape sequences" not grep -q $'\e' "$work/out"
claim "a host that is refused: status 1" once 1 "$work/other.toml" "unix:$socket"
claim "  with the check that failed" has "snp.measurement" "$work/out"
claim "a host that is not there: status 2" once 2 "$work/policy.toml" "unix:$socket" "unix:$work/nowhere.sock"
claim "  and the other one is there all the same" has "trusted" "$work/out"
claim "JSON has a line for each" once 2 "$work/policy.toml" --json "unix:$socket" "unix:$work/nowhere.sock"
claim "  that says what the table does" equal "$(jq -r .verdict "$work/out" | xargs)" "trusted undecided"
claim "a policy that is none is told at once" once 2 "$work/nowhere.toml" "unix:$socket"

"$attestctl" watch --interval 0.3 --policy "$work/policy.toml" "unix:$socket" >"$work/lines" 2>&1 &
watching=$!
started $watching
several() { [ "$(grep -c trusted "$work/lines")" -ge 3 ]; }
claim "elsewhere than on a terminal lines are appended" await 20 several
ended_by() {
  local status=0
  kill -s "$1" "$watching"
  wait "$watching" || status=$?
  equal "$status" $((128 + $2))
}
claim "SIGTERM ends it" ended_by TERM 15

# script(1) makes a terminal; what was written to it is in $work/screen.
on_terminal() {
  timeout 20 script -qec "timeout --foreground -s INT 2 '$attestctl' watch --interval 0.5 --policy '$work/policy.toml' 'unix:$socket'" \
    "$work/screen" </dev/null >/dev/null
  grep -q trusted "$work/screen"
}
claim "on a terminal the table is drawn" on_terminal
claim "  on the other screen" has $'\e[?1049h' "$work/screen"
last() { [ "$(grep -aoE $'\e\\[\\?(1049|25)[hl]' "$work/screen" | tail -n 2 | tr -d '\033' | xargs)" = '[?25h [?1049l' ]; }
claim "  and the terminal is given back, with its cursor" last
finish
