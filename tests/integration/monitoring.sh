#!/usr/bin/env bash
# Alert rules, scrape configurations and the dashboard hold together.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

for tool in promtool systemd-analyze; do
  command -v $tool >/dev/null || skip "no $tool here (packages prometheus, systemd)"
done
folder=$source/monitoring

claim "promtool accepts the alert rules" promtool check rules "$folder/prometheus-alerts.yml"
claim "the alert rules do what their tests say" promtool test rules "$folder/prometheus-alerts-test.yml"
claim "promtool accepts the scrape configurations" promtool check config --syntax-only "$folder/prometheus.yml"

# A rule that fires later than it says must not pass.
mkdir "$work/late"
sed 's/> 600/> 900/' "$folder/prometheus-alerts.yml" >"$work/late/prometheus-alerts.yml"
cp "$folder/prometheus-alerts-test.yml" "$work/late/"
claim "the tests notice a rule that was changed" not promtool test rules "$work/late/prometheus-alerts-test.yml"

# Every metric that rules and dashboard name is one that a program of ours has.
families() {
  grep -ohE 'family\(\s*"attestd_[a-z_]+"' "$source"/agent/metrics.cpp "$source"/client/probe_metrics.cpp \
    "$source"/client/exporter_server.cpp | grep -oE 'attestd_[a-z_]+' | sort -u
}
families >"$work/families"
names() {
  jq -r '.. | objects | .expr? // empty' "$folder/grafana-dashboard.json"
  sed -n 's/^ *expr: //p' "$folder/prometheus-alerts.yml"
}
names >"$work/expressions"
unknown() {
  local name
  while read -r name; do
    name=$(sed -E 's/_(total|info|bucket|count|sum)$//' <<<"$name")
    grep -qx "$name" "$work/families" || echo "nothing emits $name"
  done < <(grep -oE 'attestd_[a-z_]+' "$work/expressions" | sort -u)
}
known() { [ -z "$(unknown)" ] || { unknown; return 1; }; }
claim "the programs emit metrics" test "$(wc -l <"$work/families")" -gt 25
claim "every metric of rules and dashboard is emitted" known
echo 'attestd_nonsense > 1' >>"$work/expressions"
claim "one that is not emitted would be noticed" not known
sed -i '$d' "$work/expressions"

parsed() {
  { echo 'groups: [{name: dashboard, rules: ['
    jq -c '.. | objects | .expr? // empty | gsub("\\$__rate_interval"; "5m") | gsub("\\$instance"; ".*") | {record: "a:b", expr: .}' \
      "$folder/grafana-dashboard.json" | sed 's/$/,/'
    echo ']}]'; } >"$work/dashboard.yml"
  promtool check rules "$work/dashboard.yml"
}
claim "the dashboard is JSON with panels" jq -e '.panels | length > 5' "$folder/grafana-dashboard.json"
claim "promtool accepts every expression of the dashboard" parsed

sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$build/units/attestd-exporter.service" >"$work/attestd-exporter.service"
valid() { systemd-analyze verify --man=no --recursive-errors=no "$1" 2>&1 | tee "$work/verify" && [ ! -s "$work/verify" ]; }
claim "systemd accepts attestd-exporter.service without a remark" valid "$work/attestd-exporter.service"
claim "its exposure is at most 16 of 100" \
  systemd-analyze security --offline=yes --threshold=16 --no-pager "$work/attestd-exporter.service"
finish
