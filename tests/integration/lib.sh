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
export PYTHONDONTWRITEBYTECODE=1 # no folder beside the servers of the tests

# shellcheck source=scripts/processes.sh
. "$source/scripts/processes.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/attestd-test.XXXXXX")
claims=0 broken=0

# skip REASON: for what this machine cannot show. ./check counts it as skipped.
skip() {
  echo "skipped: $*"
  exit 77
}

clean_up() {
  end_processes
  if [ "$broken" -gt 0 ] && [ -n "${KEEP:-}" ]; then
    echo "kept: $work"
  else
    rm -rf "$work"
  fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# claim TEXT COMMAND…: the command must succeed. Its status is whether it did.
claim() {
  local text=$1
  shift
  claims=$((claims + 1))
  if "$@" >"$work/claim.log" 2>&1; then
    echo "ok    $text"
    return 0
  fi
  broken=$((broken + 1))
  echo "FAIL  $text"
  sed 's/^/      /' "$work/claim.log" | head -n 30
  return 1
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

# runs STATUS ARGUMENT…: attestctl ends with the status; what it said is in $work/out and $work/err.
runs() {
  local wanted=$1 status=0
  shift
  "$attestctl" "$@" >"$work/out" 2>"$work/err" || status=$?
  equal "$status" "$wanted" || {
    cat "$work/out" "$work/err"
    return 1
  }
}

finish() {
  echo "$claims claims, $broken broken"
  [ "$claims" -gt 0 ] && [ "$broken" -eq 0 ]
  exit $?
}

# comes_up NAME LOG PID SECONDS COMMAND…: a process that a test cannot do without.
comes_up() {
  local name=$1 log=$2
  shift 2
  await_from "$@" && return 0
  cat "$log"
  echo "FAIL  $name did not start"
  exit 1
}

sim_options=()
# start_sim: a software VM in $work/vm, with $sim_options. Sets sim_process.
start_sim() {
  "$attestd_sim" run --state "$work/vm" "${sim_options[@]}" >"$work/sim.log" 2>&1 &
  sim_process=$!
  started $sim_process
  comes_up attestd-sim "$work/sim.log" $sim_process 180 test -s "$work/vm/attestd.toml"
}

# make_sshd: configuration and host keys of a VM's own sshd, on a free port.
make_sshd() {
  ssh_port=$(free_port)
  mkdir -p "$work/ssh" /run/sshd 2>/dev/null
  ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/ssh/ssh_host_ed25519_key"
  ssh-keygen -q -t ecdsa -N '' -C '' -f "$work/ssh/ssh_host_ecdsa_key"
  ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/ssh/user_key"
  cp "$work/ssh/user_key.pub" "$work/ssh/authorized_keys"
  sshd_configuration "$ssh_port" "$work/ssh/authorized_keys" "$work/ssh/ssh_host_ed25519_key" \
    "$work/ssh/ssh_host_ecdsa_key" >"$work/ssh/sshd_config"
}

# start_sshd CONFIG: sets sshd_process.
start_sshd() {
  /usr/sbin/sshd -D -e -f "$1" >>"$work/sshd.log" 2>&1 &
  sshd_process=$!
  started $sshd_process
  comes_up sshd "$work/sshd.log" $sshd_process 10 listens "$ssh_port"
}

# start_agent: sets agent_process and socket. Configuration: $work/vm/attestd.toml.
start_agent() {
  socket=$(socket_of "$work/vm/attestd.toml")
  "$attestd" --config "$work/vm/attestd.toml" >>"$work/agent.log" 2>&1 &
  agent_process=$!
  started $agent_process
  comes_up attestd "$work/agent.log" $agent_process 120 answers "$socket"
}

# start_gateway [LINE…]: sets gateway_process, gateway_port and $url; the lines go into its
# configuration, at first into [limits].
start_gateway() {
  gateway_port=${gateway_port:-$(free_port)}
  export url=https://127.0.0.1:$gateway_port
  {
    printf '[gateway]\nlisten = ["127.0.0.1:%s"]\nagent = "%s"\n[limits]\n' "$gateway_port" "$socket"
    [ $# -eq 0 ] || printf '%s\n' "$@"
  } >"$work/gateway.toml"
  "$build/gateway/attestd-gateway" --config "$work/gateway.toml" >>"$work/gateway.log" 2>&1 &
  gateway_process=$!
  started $gateway_process
  comes_up attestd-gateway "$work/gateway.log" $gateway_process 10 listens "$gateway_port"
}

# write_policy: $work/policy.toml accepts what the VM shows now, $work/other.toml
# another launch measurement.
write_policy() {
  "$attestctl" evidence --from "$socket" -o "$work/bundle.json" --nonce 00112233445566778899aabbccddeeff &&
    "$attestctl" policy init --from "$work/bundle.json" --trust-root "$work/vm/trust-root.pem" -o "$work/policy.toml" &&
    sed 's/^\( *value = "\)[0-9a-f]\{8\}/\100000000/' "$work/policy.toml" >"$work/other.toml" || exit 1
}

# make_certificate NAME [OPTION…]: $work/NAME.pem, self-signed, and $work/NAME.key, a P-256 key.
make_certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.key" -out "$work/$1.pem" \
    -subj "/CN=$1" -days 2 "${@:2}" 2>/dev/null
}

# serve NAME PORT COMMAND…: a server of the test's own; sets served. Output: $work/NAME.log.
serve() {
  local name=$1 port=$2
  shift 2
  "$@" >"$work/$name.log" 2>&1 &
  served=$!
  started $served
  comes_up "$name" "$work/$name.log" $served 10 listens "$port"
}

# ask BODY: POST /v1/evidence; body in $work/answer, status in $code.
ask() {
  code=$(curl -s -o "$work/answer" -w '%{http_code}' --max-time 30 --unix-socket "$socket" \
    -H 'Content-Type: application/json' --data-binary "$1" http://localhost/v1/evidence)
  [ -n "$code" ]
}
good_nonce=AAECAwQFBgcICQoLDA0ODw
export good_nonce

# part NAME FILE: a part of a bundle, decoded. base64url without padding becomes base64 with it.
part() {
  jq -r --arg name "$1" '.[$name][1] | gsub("-"; "+") | gsub("_"; "/") | . + "=" * ((4 - length % 4) % 4)' "$2" | base64 -d
}

brokerd=$build/broker/attest-brokerd
# prepare_broker DATABASE: a certificate and a folder for a broker; sets broker_port, $broker and database.
prepare_broker() {
  make_certificate broker -addext subjectAltName=IP:127.0.0.1
  broker_port=$(free_port)
  export broker=https://127.0.0.1:$broker_port
  mkdir -m 700 "$work/store"
  database=$1
}
# configure_broker CHALLENGE TOKEN [FILE [PORT]]: with these lifetimes; $work/broker.toml.
configure_broker() {
  cat >"${3:-$work/broker.toml}" <<TOML
[broker]
name = "https://broker.example"
listen = ["127.0.0.1:${4:-$broker_port}"]
database = "$database"
master-key = "$work/store/master.key"
key-cache = ""
[tls]
certificate = "$work/broker.pem"
key = "$work/broker.key"
[protocol]
challenge-lifetime = "$1"
token-lifetime = "$2"
TOML
}
# start_broker [FILE [PORT]]: sets broker_process.
start_broker() {
  "$brokerd" --config "${1:-$work/broker.toml}" >>"$work/broker.log" 2>&1 &
  broker_process=$!
  started $broker_process
  comes_up attest-brokerd "$work/broker.log" $broker_process 20 listens "${2:-$broker_port}"
}
# admin ARGUMENT…: attest-broker; what it said is in $work/admin.
admin() { "$build/broker/attest-broker" --config "$work/broker.toml" "$@" >"$work/admin" 2>&1; }

# memory_folder: sets memory, a folder in memory, where keys may lie.
memory_folder() {
  memory=$(mktemp -d /dev/shm/attestd-test.XXXXXX) || skip "no /dev/shm here"
  trap 'rm -rf "$memory"; clean_up' EXIT
}
# start_vm_and_broker: a software VM with its agent, and a broker with the policies vm, which it fulfils, and other.
start_vm_and_broker() {
  start_sim
  start_agent
  write_policy
  prepare_broker "sqlite:$work/store/broker.db"
  configure_broker 5m 5m
  admin master-key new "$work/store/master.key"
  start_broker "$work/broker.toml"
  admin policy put vm "$work/policy.toml"
  admin policy put other "$work/other.toml"
}
