#!/usr/bin/env bash
# A real Prometheus scrapes exporter and agent, and its alerts fire.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

proxy=/lib/systemd/systemd-socket-proxyd
for tool in prometheus systemd-socket-activate $proxy; do
  command -v "$tool" >/dev/null || skip "no $tool here (packages prometheus, systemd)"
done
start_sim
start_agent
mkdir "$work/policies"
"$attestctl" evidence --from "$socket" -o "$work/bundle.json" --nonce 00112233445566778899aabbccddeeff || exit 1
"$attestctl" policy init --from "$work/bundle.json" --trust-root "$work/vm/trust-root.pem" -o "$work/policies/vm.toml" || exit 1
sed 's/^nonce = true/nonce = false\nmaximal-age = "1h"/' "$work/policies/vm.toml" >"$work/policies/by-age.toml"
echo "unix:$socket" >"$work/targets"

exporter=127.0.0.1:$(free_port)
"$attestctl" exporter --listen "$exporter" --policy-dir "$work/policies" --targets "$work/targets" >"$work/exporter.log" 2>&1 &
started $!
# Prometheus has no AF_UNIX.
agent=127.0.0.1:$(free_port)
systemd-socket-activate --listen="$agent" $proxy "$socket" >"$work/proxy.log" 2>&1 &
started $!

# probe QUERY STATUS: what the exporter answers is in $work/page.
probe() { equal "$(curl -s -o "$work/page" -w '%{http_code}' "http://$exporter/probe?$1")" "$2"; }
trusted() { probe "$1" 200 && has 'attestd_verdict{verdict="trusted"} 1' "$work/page"; }
claim "the exporter is there" await 10 curl -sf "http://$exporter/-/healthy"
claim "a probe with a fresh nonce is trusted" trusted "target=unix:$socket&policy=vm"
claim "what the agent has cached is not, where the policy demands a nonce" not trusted "target=unix:$socket&policy=vm&module=cached"
claim "and is, where its age may judge" trusted "target=unix:$socket&policy=by-age&module=cached"
claim "a socket that the operator did not list is refused" probe "target=unix:$work/other.sock&policy=vm" 403
claim "so is a command" probe "target=exec:id&policy=vm" 403
claim "and a policy outside the folder" probe "target=unix:$socket&policy=../vm" 404

# The rules as they are shipped, but impatient.
sed -e '/^ *for: /d' -e 's/> 600/> 3/' "$source/monitoring/prometheus-alerts.yml" >"$work/alerts.yml"
cat >"$work/prometheus.yml" <<CONFIG
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: [$work/alerts.yml]
scrape_configs:
  - job_name: attestd-probe
    metrics_path: /probe
    params: {policy: [vm], target: ["unix:$socket"]}
    static_configs: [{targets: ["$exporter"], labels: {instance: vm}}]
  - job_name: attestd-exporter
    static_configs: [{targets: ["$exporter"]}]
  - job_name: attestd-agent
    static_configs: [{targets: ["$agent"], labels: {instance: vm}}]
CONFIG
web=127.0.0.1:$(free_port)
prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" --web.listen-address="$web" >"$work/prometheus.log" 2>&1 &
started $!

value() { curl -s --data-urlencode "query=$1" "http://$web/api/v1/query" | jq -r '.data.result[0].value[1]'; }
is() { equal "$(value "$1")" "$2"; }
firing() { curl -s "http://$web/api/v1/alerts" | jq -e --arg name "$1" '.data.alerts[] | select(.state == "firing" and .labels.alertname == $name)'; }
claim "Prometheus takes all three pages" await 20 is 'sum(up)' 3
claim "the verdict is a series" await 10 is 'attestd_verdict{verdict="trusted",instance="vm"}' 1
claim "so are the five answers" is 'count(count by (question) (attestd_answer))' 5
claim "the agent says when the VCEK's certificate ends" is 'attestd_certificate_expiry_timestamp_seconds{certificate="vcek"} > 1e9 > bool 0' 1
gone() { not firing "$1"; }
# While Prometheus started nobody asked for evidence.
claim "nothing says that evidence is stale" await 10 gone AttestdAgentEvidenceStale
claim "nor that the measurement changed" not firing AttestdMeasurementChanged

claim "the hardware refuses" "$attestd_sim" fault --state "$work/vm" busy 100000
claim "the alert that the agent's evidence is stale fires" await 20 firing AttestdAgentEvidenceStale
claim "and the one that probes fail" await 10 firing AttestdProbeFails
claim "the hardware works again" "$attestd_sim" fault --state "$work/vm" busy 0
claim "the evidence is fresh again" await 20 gone AttestdAgentEvidenceStale

# The same VM to a policy that pins what it was before an update of its image.
cp "$work/policies/vm.toml" "$work/vm.toml"
sed 's/^\( *value = "\)[0-9a-f]\{8\}/\100000000/' "$work/vm.toml" >"$work/policies/vm.toml"
claim "the alert that the measurement changed fires" await 20 firing AttestdMeasurementChanged
claim "and the evidence is refused" await 10 firing AttestdUntrusted
cp "$work/vm.toml" "$work/policies/vm.toml"
claim "with the right policy both end" await 20 gone AttestdMeasurementChanged
finish
