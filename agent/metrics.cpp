#include "agent/metrics.h"

#include <charconv>

#include <config.h>

namespace attestd::agent {
namespace {

std::string number(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

class Page {
 public:
  Page& family(std::string_view name, std::string_view type, std::string_view unit, std::string_view help) {
    name_ = name;
    line("# TYPE ", name, " ", type);
    if (!unit.empty()) line("# UNIT ", name, " ", unit);
    line("# HELP ", name, " ", help);
    return *this;
  }
  // `labels` with their braces.
  Page& sample(std::string_view suffix, std::string_view labels, double value) {
    line(name_, suffix, labels, " ", number(value));
    return *this;
  }
  template <std::size_t N>
  Page& histogram(const Histogram<N>& histogram) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i <= N; ++i) {
      sum += histogram.counts[i];
      // OpenMetrics 1.0.0, "Considerations: canonical numbers": 1.0, not 1.
      std::string bound = i < N ? number(histogram.bounds[i]) : "+Inf";
      if (i < N && bound.find_first_of(".e") == std::string::npos) bound += ".0";
      sample("_bucket", "{le=\"" + bound + "\"}", static_cast<double>(sum));
    }
    return sample("_count", "", static_cast<double>(sum)).sample("_sum", "", histogram.sum);
  }
  std::string finish() && {
    line("# EOF");
    return std::move(text_);
  }

 private:
  template <class... Parts>
  void line(const Parts&... parts) {
    (text_.append(parts), ...);
    text_ += '\n';
  }
  std::string text_;
  std::string_view name_;
};

}  // namespace

std::string render_metrics(const Metrics& metrics, const MetricsGauges& gauges) {
  Page page;
  page.family("attestd_build", "info", "", "The running agent.")
      .sample("_info", "{version=\"" ATTESTD_VERSION "\"}", 1);
  page.family("attestd_start_time_seconds", "gauge", "seconds", "When the agent started, in Unix time.")
      .sample("", "", gauges.start_time);
  page.family("attestd_evidence_requests", "counter", "", "Requests for evidence, by result and cause.")
      .sample("_total", R"({result="ok",cause="none"})", static_cast<double>(metrics.evidence_made));
  for (const auto& [cause, count] : metrics.evidence_refused) {
    page.sample("_total", R"({result="error",cause=")" + std::string(cause) + "\"}", static_cast<double>(count));
  }
  page.family("attestd_cached_evidence", "counter", "", "Bundles made for GET /v1/evidence, which many share.")
      .sample("_total", "", static_cast<double>(metrics.cached_evidence_made));
  page.family("attestd_report_duration_seconds", "histogram", "seconds",
              "How long the report device took, with retries.")
      .histogram(metrics.report_seconds);
  page.family("attestd_quote_duration_seconds", "histogram", "seconds", "How long the TPM took for a quote.")
      .histogram(metrics.quote_seconds);
  page.family("attestd_batch_askers", "histogram", "", "Askers who shared a report.").histogram(metrics.batch_askers);
  page.family("attestd_askers_waiting", "gauge", "", "Askers who wait for the next report.")
      .sample("", "", static_cast<double>(gauges.askers_waiting));
  page.family("attestd_hardware_up", "gauge", "", "1 when the report device is there and its last report succeeded.")
      .sample("", "", gauges.hardware_up ? 1 : 0);
  page.family("attestd_tpm_configured", "gauge", "", "1 when evidence needs a TPM.")
      .sample("", "", gauges.tpm_up ? 1 : 0);
  page.family("attestd_tpm_up", "gauge", "", "1 when the TPM answered last time.")
      .sample("", "", gauges.tpm_up.value_or(false) ? 1 : 0);
  page.family("attestd_last_report_age_seconds", "gauge", "seconds",
              "Since the last hardware report; absent before the first.");
  if (gauges.seconds_since_report) page.sample("", "", *gauges.seconds_since_report);
  page.family("attestd_host_keys", "gauge", "", "ssh host keys that statements list.")
      .sample("", "", static_cast<double>(gauges.host_keys));
  page.family("attestd_host_key_problems", "gauge", "",
              "ssh host keys that cannot be used, and sshd if it cannot be asked.")
      .sample("", "", static_cast<double>(gauges.host_key_problems));
  page.family("attestd_connections", "counter", "", "Connections to the socket.")
      .sample("_total", "", static_cast<double>(metrics.connections_total));
  page.family("attestd_connections_open", "gauge", "", "Connections that are open.")
      .sample("", "", static_cast<double>(metrics.connections_open));
  return std::move(page).finish();
}

}  // namespace attestd::agent
