// What a whole verification of a bundle costs: from its JSON to the verdict, with
// nothing known before (cold), and for a verifier that has met this vendor's
// certificates (warm). Prints microseconds as "NAME cold C warm W", medians.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/file.h"
#include "evidence/bundle.h"
#include "verifier/appraise.h"
#include "verifier/policy.h"

namespace attestd {
namespace {

constexpr int usage_status = 2;

struct Job {
  std::string json;
  Policy policy;
  AppraisalContext context;

  void run() const {
    const auto bundle = parse_bundle(json);
    if (!bundle) throw std::runtime_error(bundle.error().text());
    const Verdict verdict = appraise(*bundle, policy, context).verdict;
    if (verdict.outcome != Outcome::trusted) throw std::runtime_error(verdict_to_text(verdict, false));
  }
};

double median_us(const std::function<void()>& work, std::chrono::milliseconds budget) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  const auto until = Clock::now() + budget;
  do {
    const auto begin = Clock::now();
    work();
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  } while (Clock::now() < until);
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::ranges::nth_element(times, middle);
  return *middle;
}

Result<Job> load(const std::string& bundle, const std::string& policy, const std::string& nonce,
                 const std::string& collateral) {
  Job job;
  ATTESTD_TRY(const Bytes json, read_file(bundle, bundle_max_size));
  job.json = as_text(json);
  ATTESTD_TRY(job.policy, load_policy(policy));
  ATTESTD_TRY(job.context.nonce, from_hex(nonce));
  job.context.at = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  if (!collateral.empty()) {
    ATTESTD_TRY(job.context.tdx_collateral, load_tdx_collateral(collateral));
  }
  return job;
}

int run(const std::vector<std::string>& words) {
  if (words.size() < 4 || words.size() > 5) {
    std::cerr << "usage: verify-cost NAME BUNDLE POLICY NONCE [COLLATERAL]\n";
    return usage_status;
  }
  auto job = load(words[1], words[2], words[3], words.size() > 4 ? words[4] : "");
  if (!job) {
    std::cerr << "verify-cost: " << job.error().text() << '\n';
    return usage_status;
  }
  constexpr std::chrono::milliseconds budget(1500);
  const double cold = median_us(
      [&] {
        VerificationCache cache;
        job->context.cache = &cache;
        job->run();
      },
      budget);
  VerificationCache cache;
  job->context.cache = &cache;
  job->run();
  const double warm = median_us([&] { job->run(); }, budget);
  std::printf("%s cold %.0f warm %.0f\n", words[0].c_str(), cold, warm);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace attestd

int main(int argc, char** argv) {
  try {
    return attestd::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "verify-cost: " << error.what() << '\n';
    return EXIT_FAILURE;
  }
}
