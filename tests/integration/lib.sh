# Shared by the integration tests; sourced, never run. A test is given the build
# folder and starts what it needs below a folder of its own, $work.
# shellcheck shell=bash
set -u -o pipefail

build=$(cd "${1:?usage: $0 BUILD}" && pwd)
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
attestd=$build/agent/attestd
attestctl=$build/client/attestctl
attestd_sim=$build/sim/attestd-sim
export source attestd attestctl attestd_sim

work=$(mktemp -d "${TMPDIR:-/tmp}/attestd-test.XXXXXX")
processes=()
claims=0 broken=0

# skip REASON: for what this machine cannot show. ./check counts it as skipped.
skip() {
  echo "skipped: $*"
  exit 77
}

# started PID: a process to end before the test does.
started() { processes+=("$1"); }

end_process() {
  local pid=$1 tries=0
  kill "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null && [ $tries -lt 50 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
}

clean_up() {
  local i
  # The last one first: the agent before the machine that it runs on.
  for ((i = ${#processes[@]} - 1; i >= 0; i--)); do end_process "${processes[i]}"; done
  if [ "$broken" -gt 0 ] && [ -n "${KEEP:-}" ]; then
    echo "kept: $work"
  else
    rm -rf "$work"
  fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# claim TEXT COMMAND…: the command must succeed.
claim() {
  local text=$1
  shift
  claims=$((claims + 1))
  if "$@" >"$work/claim.log" 2>&1; then
    echo "ok    $text"
  else
    broken=$((broken + 1))
    echo "FAIL  $text"
    sed 's/^/      /' "$work/claim.log" | head -n 30
  fi
}
not() { ! "$@"; }
# has TEXT FILE: some line of it contains the text.
has() {
  grep -qF -- "$1" "$2" || {
    echo "no \"$1\" in:"
    cat "$2"
    return 1
  }
}
equal() {
  [ "$1" = "$2" ] || {
    printf 'is        %s\nshould be %s\n' "$1" "$2"
    return 1
  }
}

# await SECONDS COMMAND…: until it succeeds.
await() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.05
  done
}

finish() {
  echo "$claims claims, $broken broken"
  [ "$claims" -gt 0 ] && [ "$broken" -eq 0 ]
  exit $?
}
