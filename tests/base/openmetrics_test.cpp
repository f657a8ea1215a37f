#include "base/openmetrics.h"

#include "tests/catch.h"

using namespace attestd;

TEST_CASE("a page has each family's type, unit and help, its samples, and an end") {
  OpenMetricsPage page;
  page.family("a_seconds", "gauge", "seconds", "What it is.").sample(1.5).sample({{"b", "c"}, {"d", "e"}}, 2);
  page.family("f", "counter", "", "Counts.").sample("_total", {}, 3);
  const std::string text = std::move(page).finish();
  CHECK(text ==
        "# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n# HELP a_seconds What it is.\n"
        "a_seconds 1.5\na_seconds{b=\"c\",d=\"e\"} 2\n"
        "# TYPE f counter\n# HELP f Counts.\nf_total 3\n# EOF\n");
}

TEST_CASE("a label's value cannot end its line or its quotes") {
  OpenMetricsPage page;
  page.family("a", "gauge", "", "a\nb\\c\"").sample({{"l", "x\"} 1\n# EOF\n\\"}}, 0);
  const std::string text = std::move(page).finish();
  CHECK(text == "# TYPE a gauge\n# HELP a a\\nb\\\\c\"\na{l=\"x\\\"} 1\\n# EOF\\n\\\\\"} 0\n# EOF\n");
}

TEST_CASE("a histogram is cumulative, with canonical bounds") {
  Histogram<2> histogram{{0.5, 1}};
  for (const double value : {0.5, 0.7, 9.0}) histogram.observe(value);
  OpenMetricsPage page;
  page.family("h", "histogram", "", "H.").histogram(histogram);
  const std::string text = std::move(page).finish();
  CHECK(text ==
        "# TYPE h histogram\n# HELP h H.\nh_bucket{le=\"0.5\"} 1\nh_bucket{le=\"1.0\"} 2\n"
        "h_bucket{le=\"+Inf\"} 3\nh_count 3\nh_sum 10.2\n# EOF\n");
}
