# Processes that a script starts and ends by their ids; sourced, never run, by
# ./demo, bench/run and the integration tests.
# shellcheck shell=bash

processes=()
# started PID: a process to end before the script does.
started() { processes+=("$1"); }

end_process() {
  local tries=0
  kill "$1" 2>/dev/null || return 0
  while kill -0 "$1" 2>/dev/null && [ $tries -lt 50 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

# The last one first: the agent before the machine that it runs on.
end_processes() {
  local i
  for ((i = ${#processes[@]} - 1; i >= 0; i--)); do end_process "${processes[i]}"; done
  processes=()
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

# await_from PID SECONDS COMMAND…: the same, as long as the process lives.
await_from() {
  local process=$1 seconds=$2
  shift 2
  succeeds_or_gone() { "$@" || ! kill -0 "$process"; }
  await "$seconds" succeeds_or_gone "$@" && "$@" >/dev/null 2>&1
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    listens $port || break
  done
  echo $port
}

# setting SECTION KEY VALUE FILE: writes a line of a TOML file that
# attestd-sim made, in place of the one that is there.
setting() {
  local section=$1 key=$2 value=$3 file=$4
  awk -v section="[$section]" -v key="$key" -v line="$key = $value" '
    /^\[/ { inside = ($0 == section); print; if (inside) { print line; done = 1 } next }
    inside && $0 ~ "^ *" key " *=" { next }
    { print }
    END { if (!done) print "\n" section "\n" line }' "$file" >"$file.new" && mv "$file.new" "$file"
}
# The socket that a configuration names.
socket_of() { sed -n 's/^ *socket *= *"\(.*\)".*/\1/p' "$1" | head -n 1; }
answers() { curl -sf --max-time 10 --unix-socket "$1" http://localhost/v1/status; }

# sshd_configuration PORT AUTHORIZED_KEYS HOST_KEY…: an sshd for one login by key.
sshd_configuration() {
  cat <<CONFIG
Port $1
ListenAddress 127.0.0.1
AuthorizedKeysFile $2
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
CONFIG
  shift 2
  printf 'HostKey %s\n' "$@"
}
