#include "agent/metrics.h"

#include <config.h>

namespace attestd::agent {
namespace {

void counters(OpenMetricsPage& page, const Metrics& metrics) {
  page.family("attestd_evidence_requests", "counter", "", "Requests for evidence, by result and cause.")
      .sample("_total", {{"result", "ok"}, {"cause", "none"}}, static_cast<double>(metrics.evidence_made));
  for (const auto& [cause, count] : metrics.evidence_refused) {
    page.sample("_total", {{"result", "error"}, {"cause", std::string(cause)}}, static_cast<double>(count));
  }
  page.family("attestd_cached_evidence", "counter", "", "Bundles made for GET /v1/evidence, which many share.")
      .sample("_total", {}, static_cast<double>(metrics.cached_evidence_made));
  page.family("attestd_report_duration_seconds", "histogram", "seconds",
              "How long the report device took, with retries.")
      .histogram(metrics.report_seconds);
  page.family("attestd_quote_duration_seconds", "histogram", "seconds", "How long the TPM took for a quote.")
      .histogram(metrics.quote_seconds);
  page.family("attestd_batch_askers", "histogram", "", "Askers who shared a report.").histogram(metrics.batch_askers);
}

// One sample for each state: 1 for the one that is.
void states(OpenMetricsPage& page, std::string_view current) {
  for (const std::string_view state : health_states) {
    page.sample({{"state", std::string(state)}}, state == current ? 1 : 0);
  }
}

void devices(OpenMetricsPage& page, const MetricsGauges& gauges) {
  page.family("attestd_hardware_up", "gauge", "", "1 when the report device is there and its last report succeeded.")
      .sample(gauges.hardware_up ? 1 : 0);
  page.family("attestd_hardware_state", "gauge", "", "1 for the state that the report device is in.");
  states(page, gauges.hardware_state);
  page.family("attestd_tpm_configured", "gauge", "", "1 when evidence needs a TPM.").sample(gauges.tpm_up ? 1 : 0);
  page.family("attestd_tpm_up", "gauge", "", "1 when the TPM answered last time.")
      .sample(gauges.tpm_up.value_or(false) ? 1 : 0);
  page.family("attestd_tpm_state", "gauge", "", "1 for the state that the TPM is in.");
  states(page, gauges.tpm_state);
  page.family("attestd_last_report_age_seconds", "gauge", "seconds",
              "Since the last hardware report; absent before the first.");
  if (gauges.seconds_since_report) page.sample(*gauges.seconds_since_report);
  page.family("attestd_certificate_expiry_timestamp_seconds", "gauge", "seconds",
              "When certificates that came with the last evidence end, in Unix time.");
  for (const auto& [name, time] : gauges.certificates) page.sample({{"certificate", name}}, static_cast<double>(time));
}

}  // namespace

std::string render_metrics(const Metrics& metrics, const MetricsGauges& gauges) {
  OpenMetricsPage page;
  page.family("attestd_build", "info", "", "The running agent.").sample("_info", {{"version", ATTESTD_VERSION}}, 1);
  page.family("attestd_start_time_seconds", "gauge", "seconds", "When the agent started, in Unix time.")
      .sample(gauges.start_time);
  counters(page, metrics);
  page.family("attestd_askers_waiting", "gauge", "", "Askers who wait for the next report.")
      .sample(static_cast<double>(gauges.askers_waiting));
  devices(page, gauges);
  page.family("attestd_host_keys", "gauge", "", "ssh host keys that statements list.")
      .sample(static_cast<double>(gauges.host_keys));
  page.family("attestd_host_key_problems", "gauge", "",
              "ssh host keys that cannot be used, and sshd if it cannot be asked.")
      .sample(static_cast<double>(gauges.host_key_problems));
  page.family("attestd_connections", "counter", "", "Connections to the socket.")
      .sample("_total", {}, static_cast<double>(metrics.connections.total));
  page.family("attestd_connections_open", "gauge", "", "Connections that are open.")
      .sample(static_cast<double>(metrics.connections.open));
  return std::move(page).finish();
}

}  // namespace attestd::agent
