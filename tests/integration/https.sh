#!/usr/bin/env bash
# attestctl over HTTPS: evidence from the gateway itself is believed, evidence that
# somebody passes on is not, each attack carried out.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

servers=$source/tests/integration/servers
start_sim
start_agent
# An operator's certificate, whose key an attacker may get hold of.
make_certificate vm.example -addext subjectAltName=IP:127.0.0.1
start_gateway '[tls]' "certificate = \"$work/vm.example.pem\"" "key = \"$work/vm.example.key\""
write_policy

verify() { runs "$1" verify --json --policy "$work/policy.toml" --from "${@:2}"; }
check() { jq -r --arg id "$1" '.checks[] | select(.id == $id) | .result + ": " + .detail' "$work/out"; }
check_is() { check "$1" >"$work/check" && has "$2" "$work/check"; }

claim "evidence over HTTPS is trusted" verify 0 "$url"
claim "  by our nonce" check_is binding.nonce "pass: "
claim "  for the connection that it came over" check_is binding.channel "pass: "
claim "a bundle is written" runs 0 evidence --from "$url" -o "$work/over.json"
claim "a policy is made" runs 0 policy init --from "$url" --trust-root "$work/vm/trust-root.pem" -o "$work/made.toml"
sed '/^\[freshness\]/,/^$/d' "$work/policy.toml" >"$work/aged.toml"
printf '\n[freshness]\nnonce = false\nmaximal-age = "10m"\n' >>"$work/aged.toml"
claim "what the agent has cached is judged by its age" runs 0 verify --policy "$work/aged.toml" --from "$url" --cached
claim "watch asks over HTTPS" runs 0 watch --once --policy "$work/policy.toml" "$url"
proof() { runs "$1" host-proof --policy "$work/policy.toml" --from "$2" vm.example; }
claim "host-proof prints keys" proof 0 "$url"
claim "  for the name that ssh gave" grep -q '^vm.example ssh-' "$work/out"

exporter_port=$(free_port)
mkdir "$work/policies"
cp "$work/policy.toml" "$work/policies/vm.toml"
serve exporter "$exporter_port" "$attestctl" exporter --listen "127.0.0.1:$exporter_port" --policy-dir "$work/policies"
probe() { curl -s "http://127.0.0.1:$exporter_port/probe?policy=vm&target=$1" >"$work/page" && has "$2" "$work/page"; }
claim "the exporter probes over HTTPS" probe "$url" 'attestd_verdict{verdict="trusted"} 1'

# Certificates count when they are asked for.
claim "a certificate from the named roots is accepted" verify 0 "$url" --ca-file "$work/vm.example.pem"
make_certificate other
claim "another is not" verify 2 "$url" --ca-file "$work/other.pem"
claim "  and the sentence says why" has "certificate" "$work/err"

proxy_port=$(free_port)
serve proxy "$proxy_port" "$servers/proxy.py" "127.0.0.1:$proxy_port"
claim "a proxy is used when it is named" verify 0 "$url" --proxy "http://127.0.0.1:$proxy_port"
claim "  by CONNECT to the gateway" has "CONNECT 127.0.0.1:$gateway_port" "$work/proxy.log"
export https_proxy="http://127.0.0.1:$proxy_port"
claim "and when the environment names it" verify 0 "$url"
claim "  again by CONNECT" equal "$(grep -c CONNECT "$work/proxy.log")" 2
no_proxy=127.0.0.1 claim "but not for who is in no_proxy" verify 0 "$url"
claim "  no third CONNECT" equal "$(grep -c CONNECT "$work/proxy.log")" 2
unset https_proxy

# What cannot be asked.
claim "nobody listens: cannot tell" verify 2 "https://127.0.0.1:$(free_port)"
claim "  and says whom it could not reach" has "cannot reach https://127.0.0.1" "$work/err"
for bad in http://127.0.0.1 https://user@vm https://vm/v1/evidence 'https://vm?x' https:// 'https://a b'; do
  claim "refused as no source: $bad" verify 2 "$bad"
  claim "  with what is one" has "https://HOST" "$work/err"
done
relay_port=$(free_port)
relay=https://127.0.0.1:$relay_port
start_relay() { serve relay "$relay_port" "$servers/relay.py" "$@"; }
start_relay "127.0.0.1:$relay_port" "$work/other.pem" "$work/other.key" hang
started_at=$SECONDS
claim "a server that says nothing: cannot tell" verify 2 "$relay" --timeout 1
claim "  in the time that was given" test $((SECONDS - started_at)) -le 4
claim "  and says so" has "gave no answer within" "$work/err"
end_process "$served"
start_relay --tls1.2 "127.0.0.1:$relay_port" "$work/other.pem" "$work/other.key" "127.0.0.1:$gateway_port"
claim "TLS 1.2 has no channel to name: cannot tell" verify 2 "$relay"
claim "  and says so" has "no TLS 1.3 connection to $relay" "$work/err"
end_process "$served"

# A man in the middle with a key of his own, before the genuine gateway.
start_relay "127.0.0.1:$relay_port" "$work/other.pem" "$work/other.key" "127.0.0.1:$gateway_port"
claim "relayed by who has another key: refused" verify 1 "$relay"
claim "  by the key" check_is binding.channel "fail: the evidence is for a TLS server with another key"
claim "  and by nothing else" equal "$(jq -r '[.checks[] | select(.result == "fail").id] | join(" ")' "$work/out")" binding.channel
claim "host-proof prints no key" proof 1 "$relay"
claim "  and nothing on standard output" test ! -s "$work/out"
claim "  with a sentence for people" has "somebody between you and the VM passes its evidence on" "$work/err"
claim "no bundle is written" runs 2 evidence --from "$relay" -o "$work/relayed.json"
claim "  none at all" test ! -e "$work/relayed.json"
claim "no policy is made" runs 2 policy init --from "$relay" -o "$work/relayed.toml"
claim "watch shows it refused" runs 1 watch --once --policy "$work/policy.toml" "$relay"
claim "the exporter shows it refused" probe "$relay" 'attestd_verdict{verdict="refused"} 1'
end_process "$served"

# He has the gateway's key.
start_relay "127.0.0.1:$relay_port" "$work/vm.example.pem" "$work/vm.example.key" "127.0.0.1:$gateway_port"
claim "relayed by who has the gateway's key: refused" verify 1 "$relay" --ca-file "$work/vm.example.pem"
claim "  by the exporter" check_is binding.channel "fail: the evidence is for another TLS connection"
claim "host-proof prints no key either" proof 1 "$relay"
end_process "$served"

# He recorded evidence earlier.
curl -sk -d "{\"nonce\":\"$good_nonce\"}" "$url/v1/evidence" -o "$work/recorded.json"
start_relay --replay "$work/recorded.json" "127.0.0.1:$relay_port" "$work/vm.example.pem" "$work/vm.example.key"
claim "replayed over TLS: refused" verify 1 "$relay"
claim "  by the nonce" check_is binding.nonce "fail: "
claim "  and by the exporter" check_is binding.channel "fail: "
claim "replayed without TLS: refused" verify 1 "exec:cat $work/recorded.json"
claim "  by the nonce alone" equal "$(jq -r '[.checks[] | select(.result == "fail").id] | join(" ")' "$work/out")" binding.nonce
end_process "$served"

# He makes up a statement for his own connection: no policy comes of it.
start_relay --forge "$work/recorded.json" "127.0.0.1:$relay_port" "$work/other.pem" "$work/other.key"
claim "a forged statement: refused" verify 1 "$relay"
claim "  though it names our nonce" check_is binding.nonce "pass: "
claim "  and a TLS connection" check_is binding.channel "fail: "
claim "no policy is made of it" runs 2 policy init --from "$relay" --trust-root "$work/vm/trust-root.pem" -o "$work/forged.toml"
claim "  none at all" test ! -e "$work/forged.toml"
end_process "$served"

# Evidence that was verified may serve again, as the policy says.
printf '\n[host-proof]\ncache = "10m"\n' >>"$work/policy.toml"
export XDG_CACHE_HOME=$work/cache
claim "host-proof keeps verified evidence" proof 0 "$url"
kept() { find "$work/cache/attestd/proofs" -name '*.proof'; }
claim "  in a file that nobody else reads" equal "$(stat -c %a "$(kept)")" 600
claim "roots that are named are asked of the server all the same" runs 1 host-proof --ca-file "$work/other.pem" \
  --policy "$work/policy.toml" --from "$url" vm.example
end_process "$gateway_process"
claim "and needs no gateway for a while" proof 0 "$url"
other_key=$(ssh-keygen -q -t ed25519 -N '' -C '' -f "$work/stranger" && cut -d' ' -f2 "$work/stranger.pub")
claim "a key that it does not list is asked for anew" runs 1 host-proof --policy "$work/policy.toml" --from "$url" \
  HOSTNAME vm.example ssh-ed25519 "$other_key"
claim "  and refused, for nobody answers" has "cannot reach" "$work/err"
sed -i 's/^cache = .*/cache = "1s"/' "$work/policy.toml"
sleep 1
claim "nothing is kept for longer than the policy says" proof 1 "$url"
sed -i 's/^cache = .*/cache = "10m"/' "$work/policy.toml"
cp "$work/policy.toml" "$work/own.toml"
sed -i 's/^\( *value = "\)[0-9a-f]\{8\}/\100000000/' "$work/policy.toml"
claim "a policy that has changed judges what was kept" proof 1 "$url"
cp "$work/own.toml" "$work/policy.toml"
chmod g+w "$(kept)"
claim "what others may have written is not used" proof 1 "$url"
chmod g-w "$(kept)"
claim "what only we have written is" proof 0 "$url"
claim "and not with --no-cache" runs 1 host-proof --no-cache --policy "$work/policy.toml" --from "$url" vm.example
finish
