#!/usr/bin/env bash
# The gateway as the network meets it: evidence bound to its TLS connection, limits,
# abuse beside an honest asker, and an end that loses no request.
# usage: gateway.sh BUILD
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

for tool in curl jq openssl; do
  command -v $tool >/dev/null || skip "no $tool here"
done
gateway=$build/gateway/attestd-gateway

start_sim
start_agent
limits=('connections = 40' 'connections-per-address = 24' 'handshake-timeout = "2s"' 'request-timeout = "2s"'
  'idle-timeout = "30s"' 'agent-timeout = "20s"')
start_gateway "${limits[@]}"
port=$gateway_port

# get OPTION… PATH: from another address than those who abuse.
get() { curl -sk --max-time 30 --interface 127.0.0.9 "${@:1:$#-1}" "$url${!#}"; }
status_of() { get -o "$work/answer" -w '%{http_code}' "$@"; }
answered() {
  local wanted=$1
  shift
  equal "$(status_of "$@")" "$wanted"
}
request="{\"nonce\":\"$good_nonce\"}"
evidence() { get --fail -H 'Content-Type: application/json' -d "$request" -o "$1" /v1/evidence; }
statement() { part statement "$1" | jq -r "$2"; }
base64url() { basenc --base64url -w0 | tr -d =; }

claim "the configuration is good" "$gateway" --config "$work/gateway.toml" --check-config
claim "status is served over HTTPS" answered 200 /v1/status
claim "health is served" answered 200 /v1/health
claim "what is not there is 404" answered 404 /v1/nothing
claim "a method that is not there is 405" answered 405 -X DELETE /v1/status
claim "TLS 1.2 is refused" not get --tls-max 1.2 /v1/status

certificate() { openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509; }
claim "evidence is served" evidence "$work/one.json"
spki=$(certificate | openssl x509 -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64url)
claim "its statement names the key of the server's certificate" \
  equal "$(statement "$work/one.json" .channel.tls_spki_sha256)" "$spki"
claim "evidence is served again" evidence "$work/two.json"
claim "two connections have two exporters" not equal "$(statement "$work/one.json" .channel.tls_exporter)" \
  "$(statement "$work/two.json" .channel.tls_exporter)"
get -d "$request" -o "$work/three.json" "$url/v1/evidence" -o "$work/four.json" /v1/evidence
claim "one connection has one exporter" equal "$(statement "$work/three.json" .channel.tls_exporter)" \
  "$(statement "$work/four.json" .channel.tls_exporter)"

# OpenSSL's own client says what it exports.
by_openssl() {
  {
    printf 'POST /v1/evidence HTTP/1.1\r\nHost: vm\r\nConnection: close\r\nContent-Length: %s\r\n\r\n%s' "${#request}" "$request"
    sleep 3
  } | openssl s_client -connect "127.0.0.1:$port" -keymatexport EXPORTER-Channel-Binding -keymatexportlen 32 >"$work/s_client" 2>/dev/null
  grep -a '^{' "$work/s_client" | sed 's/}[^}]*$/}/' >"$work/five.json"
  equal "$(sed -n 's/^ *Keying material: //p' "$work/s_client" | tr A-F a-f)" \
    "$(statement "$work/five.json" .channel.tls_exporter | tr -- -_ +/ | sed 's/$/=/' | base64 -d | od -An -vtx1 | tr -d ' \n')"
}
claim "the exporter is what openssl s_client exports" by_openssl

carries_evidence() { certificate | openssl x509 -noout -text | grep -qF 1.3.6.1.5.5.7.1.35; }
claim "the certificate carries evidence" await 20 carries_evidence
claim "the shared evidence of monitors is served" answered 200 /v1/evidence
etag=$(get -o "$work/answer" -D - /v1/evidence | tr -d '\r' | sed -n 's/^etag: //Ip')
claim "and not again to who has it" answered 304 -H "If-None-Match: $etag" /v1/evidence
has_metrics() { get /metrics >"$work/metrics" && has attestd_gateway_connections_open "$work/metrics" && has attestd_evidence_requests "$work/metrics" && equal "$(grep -c '^# EOF' "$work/metrics")" 1; }
claim "metrics are attestd's and the gateway's" has_metrics

# What the network may not choose.
for body in "{\"nonce\":\"$good_nonce\",\"purpose\":\"unlock\"}" \
  "{\"nonce\":\"$good_nonce\",\"channel\":{\"tls_spki_sha256\":\"$spki\"}}"; do
  claim "refused: $body" answered 403 -d "$body" /v1/evidence
done
claim "refused: no JSON" answered 400 -d 'nonce' /v1/evidence
claim "refused: two nonces" answered 400 -d "{\"nonce\":\"$good_nonce\",\"nonce\":\"$good_nonce\"}" /v1/evidence
head -c 200000 /dev/zero | tr '\0' x >"$work/large"
claim "a large body is 413" answered 413 -d "@$work/large" /v1/evidence
claim "a large header is 431" answered 431 -H "X: $(head -c 9000 "$work/large")" /v1/status

# Who may name a channel at attestd's own socket.
at_socket() {
  curl -s -o "$work/answer" -w '%{http_code}' --unix-socket "$socket" \
    -d "{\"nonce\":\"$good_nonce\",\"channel\":{\"tls_spki_sha256\":\"$spki\"}}" http://attestd/v1/evidence
}
if [ "$(id -u)" -eq 0 ]; then
  chmod a+rx "$work" "$work/vm"
  stranger() {
    setpriv --reuid 65534 --regid 65534 --clear-groups \
      curl -s -o /dev/null -w '%{http_code}' --unix-socket "$socket" \
      -d "{\"nonce\":\"$good_nonce\",\"channel\":{\"tls_spki_sha256\":\"$spki\"}}" http://attestd/v1/evidence
  }
  claim "uid 0 may name a channel" equal "$(at_socket)" 200
  claim "another user may not" equal "$(stranger)" 403
fi

# Abuse, from one address, beside an honest asker.
descriptors() { find "/proc/$gateway_process/fd" -mindepth 1 | wc -l; }
settled() { [ "$(descriptors)" -le $((before + 2)) ]; }
before=$(descriptors)
abuse() { # abuse COMMAND…: thirty at a time, for as long as the honest asker asks
  local pids=() i good=0
  for ((i = 0; i < 30; i++)); do
    "$@" >/dev/null 2>&1 &
    pids+=($!)
  done
  sleep 0.3
  for ((i = 0; i < 10; i++)); do evidence "$work/honest.json" && good=$((good + 1)); done
  kill "${pids[@]}" 2>/dev/null
  wait "${pids[@]}" 2>/dev/null
  equal "$good" 10
}
half_open() { exec 3<>"/dev/tcp/127.0.0.1/$port" && sleep 5; }
reset() { for _ in 1 2 3 4 5; do exec 3<>"/dev/tcp/127.0.0.1/$port" && printf '\026\003\001' >&3 && exec 3>&-; done; }
slow_header() { (printf 'GET /v1/status HTTP/1.1\r\n' && sleep 5) | openssl s_client -quiet -connect "127.0.0.1:$port"; }
slow_body() { (printf 'POST /v1/evidence HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{' && sleep 5) | openssl s_client -quiet -connect "127.0.0.1:$port"; }
garbage() { (head -c 20000 /dev/urandom && sleep 1) | openssl s_client -quiet -connect "127.0.0.1:$port"; }
for kind in half_open reset slow_header slow_body garbage; do
  claim "abuse by ${kind//_/ }: the honest asker is served" abuse $kind
done
claim "no descriptor is left of it" await 10 settled
# Records that come just before a deadline must not outrun it.
bursts() { python3 "$source/tests/integration/servers/burst.py" "127.0.0.1:$port" 2 "$1"; }
claim "a burst of TLS records across the deadline of a request is closed in time" bursts body
claim "and one across the deadline of a handshake" bursts handshake
claim "no descriptor is left of them" await 10 settled

# attestd goes and comes back.
end_process "$agent_process"
sleep 1.1
claim "without attestd it is 503" answered 503 -d "$request" /v1/evidence
claim "and says so" grep -q agent-unavailable "$work/answer"
start_agent
claim "attestd is back, and so is evidence" evidence "$work/back.json"

# An end under load.
"$attestd_sim" fault --state "$work/vm" slow 700 >/dev/null
rm -f "$work"/load.*
asked=()
for i in 1 2 3 4 5 6 7 8; do
  get -d "$request" -o /dev/null -w '%{http_code}\n' /v1/evidence >"$work/load.$i" &
  asked+=($!)
done
sleep 0.5
kill "$gateway_process"
wait "${asked[@]}"
claim "SIGTERM loses no accepted request" equal "$(cat "$work"/load.* | sort -u)" 200
gone() { ! kill -0 "$gateway_process" 2>/dev/null; }
claim "and ends the gateway" await 10 gone

# An end that is not waited for, with a request still at attestd.
start_gateway "${limits[@]}"
"$attestd_sim" fault --state "$work/vm" slow 5000 >/dev/null
get -d "$request" -o /dev/null /v1/evidence &
asking=$!
sleep 1
kill "$gateway_process"
sleep 0.3
kill "$gateway_process"
ended=0
wait "$gateway_process" || ended=$?
claim "a second SIGTERM ends it at once, in order" equal "$ended" 0
wait "$asking"
"$attestd_sim" fault --state "$work/vm" clear >/dev/null
ask "$request" # until the hardware is done with the former

# Restarts under load: the socket stays, and who is on it is answered by one or the other.
activated_port=$(free_port)
printf '[gateway]\nagent = "%s"\n' "$socket" >"$work/default.toml"
serve activated "$activated_port" "$source/tests/integration/servers/activate.py" "127.0.0.1:$activated_port" \
  "$gateway" --config "$work/default.toml"
activator=$served
asked=()
for i in {1..60}; do
  curl -sk --max-time 30 -d "$request" -o /dev/null -w '%{http_code}\n' "https://127.0.0.1:$activated_port/v1/evidence" >"$work/load.$i" &
  asked+=($!)
  case $i in 15 | 30 | 45) kill -USR1 "$activator" ;; esac
  sleep 0.1
done
wait "${asked[@]}"
claim "restarts under load lose no request" equal "$(cat "$work"/load.* | sort | uniq -c | xargs)" "60 200"
# A restart that is asked for while another drains is one with it.
claim "  and restarts there were" test "$(grep -c 'serves the evidence' "$work/activated.log")" -ge 2
end_process "$activator"

# An operator's certificate.
make_certificate vm.example
configuration_with() {
  sed -e "\$a[tls]\ncertificate = \"$work/vm.example.pem\"\nkey = \"$work/$1\"" "$work/gateway.toml" >"$work/own.toml"
}
start_gateway_with() { configuration_with "$1" && "$gateway" --config "$work/own.toml" >"$work/own.log" 2>&1; }
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/other.pem" 2>/dev/null
claim "a key that is not the certificate's is refused" not start_gateway_with other.pem
claim "with a sentence that names it" has "other.pem" "$work/own.log"
configuration_with vm.example.key
"$gateway" --config "$work/own.toml" >"$work/own.log" 2>&1 &
own=$!
started $own
await 10 listens "$port"
claim "an operator's certificate is shown" equal "$(certificate | openssl x509 -noout -subject)" "subject=CN = vm.example"
make_certificate vm2.example
cp "$work/vm2.example.pem" "$work/vm.example.pem"
cp "$work/vm2.example.key" "$work/vm.example.key"
kill -HUP "$own"
renewed() { equal "$(certificate | openssl x509 -noout -subject)" "subject=CN = vm2.example"; }
claim "SIGHUP reads it anew" await 10 renewed
echo broken >"$work/vm.example.key"
kill -HUP "$own"
claim "one that cannot be used is told" await 10 grep -q "kept what was there" "$work/own.log"
claim "  and the former is kept" renewed
end_process "$own"

# An address that asks for more than its share, and an agent that does not answer in time.
"$source/tests/integration/servers/slow_agent.py" "$work/slow.sock" 3 &
slow=$!
started $slow
await 10 test -S "$work/slow.sock"
cat >"$work/limits.toml" <<TOML
[gateway]
listen = ["127.0.0.1:$port"]
agent = "$work/slow.sock"
[limits]
requests-per-address = 1
waiting-per-address = 1
agent-timeout = "1500ms"
TOML
"$gateway" --config "$work/limits.toml" >"$work/limits.log" 2>&1 &
limited=$!
started $limited
await 10 listens "$port"
for i in 1 2 3 4; do
  curl -sk --max-time 20 -D "$work/limits.$i" -o "$work/limits.$i.json" -d "$request" "https://127.0.0.1:$port/v1/evidence" &
  asking[i]=$!
  sleep 0.2
done
wait "${asking[@]}"
with_status() { grep -l "^HTTP/1.1 $1 " "$work"/limits.[1-4] | wc -l; }
claim "an agent that does not answer in time: 504, for who waited too" equal "$(with_status 504)" 2
claim "  by its name" grep -q 'problem:agent-timed-out' "$work/limits.1.json"
claim "who has as many waiting as it may: 429" equal "$(with_status 429)" 2
claim "  with when to come back" grep -qi '^Retry-After: 1' "$work/limits.3"
claim "  by its name" grep -q 'problem:too-many-requests' "$work/limits.4.json"
finish
