// What the daemon counts, as OpenMetrics text.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/certificate_expiry.h"
#include "base/openmetrics.h"
#include "net/http_counters.h"

namespace attestd::agent {

// Belongs to the event loop's thread.
struct Metrics {
  std::uint64_t evidence_made = 0;
  std::uint64_t cached_evidence_made = 0;
  std::map<std::string_view, std::uint64_t> evidence_refused;  // by the problem's name
  net::HttpCounters connections;
  Histogram<12> report_seconds{{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5}};
  Histogram<9> quote_seconds{{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1}};
  Histogram<9> batch_askers{{1, 2, 4, 8, 16, 64, 256, 1024, 4096}};
};

inline constexpr std::array health_states{"untried", "ok", "failed", "absent"};

// What is true now, beside the counters.
struct MetricsGauges {
  bool hardware_up = false;
  std::optional<bool> tpm_up;                  // nothing: no TPM configured
  std::string_view hardware_state, tpm_state;  // one of health_states
  std::optional<double> seconds_since_report;  // nothing: none yet
  std::size_t host_keys = 0;
  std::size_t host_key_problems = 0;
  std::size_t askers_waiting = 0;
  double start_time = 0;           // Unix seconds
  CertificateExpiry certificates;  // of the last evidence
};

// OpenMetrics 1.0.0, with its "# EOF".
std::string render_metrics(const Metrics& metrics, const MetricsGauges& gauges);

}  // namespace attestd::agent
