#include "base/openmetrics.h"

#include <charconv>

namespace attestd {
namespace {

std::string number(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

// "Considerations: canonical numbers": 1.0, not 1.
std::string bound_text(double bound) {
  std::string text = number(bound);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

void append_escaped(std::string& to, std::string_view text, bool in_quotes) {
  for (const char c : text) {
    if (c == '\n') {
      to += "\\n";
    } else if (c == '\\' || (c == '"' && in_quotes)) {
      (to += '\\') += c;
    } else {
      to += c;
    }
  }
}

}  // namespace

OpenMetricsPage& OpenMetricsPage::family(std::string_view name, std::string_view type, std::string_view unit,
                                         std::string_view help) {
  name_ = name;
  text_ += "# TYPE " + name_ + " " + std::string(type) + "\n";
  if (!unit.empty()) text_ += "# UNIT " + name_ + " " + std::string(unit) + "\n";
  text_ += "# HELP " + name_ + " ";
  append_escaped(text_, help, false);
  text_ += '\n';
  return *this;
}

OpenMetricsPage& OpenMetricsPage::sample(std::string_view suffix, const MetricLabels& labels, double value) {
  text_ += name_;
  text_ += suffix;
  char before = '{';
  for (const auto& [name, label] : labels) {
    ((text_ += before) += name) += "=\"";
    append_escaped(text_, label, true);
    text_ += '"';
    before = ',';
  }
  if (!labels.empty()) text_ += '}';
  text_ += " " + number(value) + "\n";
  return *this;
}

OpenMetricsPage& OpenMetricsPage::buckets(const double* bounds, const std::uint64_t* counts, std::size_t bound_count,
                                          double sum) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= bound_count; ++i) {
    total += counts[i];
    sample("_bucket", {{"le", i < bound_count ? bound_text(bounds[i]) : "+Inf"}}, static_cast<double>(total));
  }
  return sample("_count", {}, static_cast<double>(total)).sample("_sum", {}, sum);
}

std::string OpenMetricsPage::finish() && {
  text_ += "# EOF\n";
  return std::move(text_);
}

}  // namespace attestd
