// Metrics as text.
// Source: OpenMetrics 1.0.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attestd {

inline constexpr std::string_view openmetrics_media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";

// Cumulative when written, not in memory.
template <std::size_t N>
struct Histogram {
  std::array<double, N> bounds;               // inclusive upper bounds, ascending
  std::array<std::uint64_t, N + 1> counts{};  // the last one is +Inf
  double sum = 0;

  void observe(double value) {
    std::size_t i = 0;
    while (i < N && value > bounds[i]) ++i;
    ++counts[i];
    sum += value;
  }
};

// Values may be any UTF-8: they are escaped.
using MetricLabels = std::vector<std::pair<std::string_view, std::string>>;

// A page of families, each written once, its samples right after it.
class OpenMetricsPage {
 public:
  // `unit`: empty, or what `name` ends in.
  OpenMetricsPage& family(std::string_view name, std::string_view type, std::string_view unit, std::string_view help);
  OpenMetricsPage& sample(double value) { return sample("", {}, value); }
  OpenMetricsPage& sample(const MetricLabels& labels, double value) { return sample("", labels, value); }
  OpenMetricsPage& sample(std::string_view suffix, const MetricLabels& labels, double value);
  template <std::size_t N>
  OpenMetricsPage& histogram(const Histogram<N>& histogram) {
    return buckets(histogram.bounds.data(), histogram.counts.data(), N, histogram.sum);
  }
  // With the "# EOF".
  std::string finish() &&;

 private:
  OpenMetricsPage& buckets(const double* bounds, const std::uint64_t* counts, std::size_t bound_count, double sum);
  std::string text_;
  std::string name_;
};

}  // namespace attestd
