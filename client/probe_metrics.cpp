#include "client/probe_metrics.h"

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "base/encoding.h"
#include "base/openmetrics.h"
#include "evidence/json_internal.h"
#include "evidence/json_strict.h"

namespace attestd {
namespace json = boost::json;
namespace {

constexpr std::array answers{Answer::yes, Answer::no, Answer::unknown};
constexpr std::array outcomes{Outcome::trusted, Outcome::refused, Outcome::undecided};
constexpr std::array check_results{CheckResult::pass, CheckResult::fail, CheckResult::skipped};

// A member below others, or null: member(claims, {"snp", "product"}).
const json::value* member(const json::value& from, std::initializer_list<std::string_view> path) {
  const json::value* at = &from;
  for (const std::string_view name : path) {
    const json::object* const object = at->if_object();
    at = object == nullptr ? nullptr : object->if_contains(name);
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string text_of(const json::value* value) {
  return value != nullptr && value->is_string() ? to_valid_utf8(std::string_view(value->get_string())) : std::string();
}

void verdict(OpenMetricsPage& page, const Verdict& verdict) {
  page.family("attestd_verdict", "gauge", "", "1 for the verdict that the evidence has.");
  for (const Outcome outcome : outcomes) {
    page.sample({{"verdict", std::string(outcome_name(outcome))}}, outcome == verdict.outcome ? 1 : 0);
  }
  page.family("attestd_answer", "gauge", "", "1 for the answer that the question has.");
  for (const auto& [question, given] : verdict.answers) {
    for (const Answer answer : answers) {
      page.sample({{"question", std::string(question_name(question))}, {"answer", std::string(answer_name(answer))}},
                  answer == given.answer ? 1 : 0);
    }
  }
  page.family("attestd_check", "gauge", "", "1 for the result that the check has.");
  for (const Check& check : verdict.checks) {
    for (const CheckResult result : check_results) {
      page.sample({{"check", check.id}, {"result", std::string(result_name(result))}}, check.result == result ? 1 : 0);
    }
  }
  page.family("attestd_simulated", "gauge", "", "1 when a chain ends in a root that the user named.")
      .sample(verdict.simulated ? 1 : 0);
}

// What the evidence says of itself: to be believed as much as the verdict.
void descriptions(OpenMetricsPage& page, const json::value& claims) {
  page.family("attestd_evidence", "info", "", "What the evidence says that it is of.");
  if (const json::value* const platform = member(claims, {"statement", "platform"})) {
    page.sample("_info",
                {{"platform", text_of(member(*platform, {"name"}))},
                 {"kernel", text_of(member(*platform, {"kernel"}))},
                 {"agent_version", text_of(member(*platform, {"agent_version"}))},
                 {"product", text_of(member(claims, {"snp", "product"}))},
                 {"boot_id", text_of(member(claims, {"statement", "boot_id"}))}},
                1);
  }
  page.family("attestd_measurement", "info", "", "The launch measurement in the hardware report.");
  for (const auto& [hardware, name] : {std::pair{"snp", "measurement"}, std::pair{"tdx", "mrtd"}}) {
    const std::string value = text_of(member(claims, {hardware, name}));
    if (!value.empty()) page.sample("_info", {{"hardware", hardware}, {"name", name}, {"value", value}}, 1);
  }
  page.family("attestd_ssh_host_keys", "gauge", "", "ssh host keys that the statement lists.");
  if (const json::value* const keys = member(claims, {"statement", "ssh_host_keys"}); keys && keys->is_array()) {
    page.sample(static_cast<double>(keys->get_array().size()));
  }
}

void tcb(OpenMetricsPage& page, const json::value& claims) {
  page.family("attestd_tcb_version", "gauge", "", "Security versions that the hardware report has, by component.");
  for (const std::string_view which : {"reported_tcb", "committed_tcb", "launch_tcb"}) {
    const json::value* const versions = member(claims, {"snp", which});
    if (versions == nullptr || !versions->is_object()) continue;
    for (const auto& component : versions->get_object()) {
      if (!component.value().is_number()) continue;
      page.sample({{"hardware", "snp"}, {"tcb", std::string(which)}, {"component", std::string(component.key())}},
                  component.value().to_number<double>());
    }
  }
  page.family("attestd_tcb_status", "info", "", "What Intel's collateral says of the platform's TCB.");
  const std::string status = text_of(member(claims, {"tdx", "tcb", "status"}));
  if (!status.empty()) page.sample("_info", {{"hardware", "tdx"}, {"status", status}}, 1);
}

struct Validity {
  const char* name;
  std::initializer_list<std::string_view> path;  // of [from, to], RFC 3339
};

void expiry(OpenMetricsPage& page, const json::value& claims) {
  page.family("attestd_evidence_expiry_timestamp_seconds", "gauge", "seconds",
              "When certificates and collateral behind the verdict end, in Unix time.");
  const Validity validities[] = {{"snp", {"snp", "certificate_validity"}},
                                 {"tdx", {"tdx", "certificate_validity"}},
                                 {"tdx-collateral", {"tdx", "tcb", "collateral_validity"}},
                                 {"ak", {"ak_certificate", "validity"}},
                                 {"nitro", {"nitro", "certificate_validity"}}};
  for (const Validity& validity : validities) {
    const json::value* const range = member(claims, validity.path);
    if (range == nullptr || !range->is_array() || range->get_array().size() != 2) continue;
    const auto end = from_rfc3339(text_of(&range->get_array()[1]));
    if (end) page.sample({{"certificate", validity.name}}, static_cast<double>(*end));
  }
}

}  // namespace

std::string render_probe(const ProbeResult& result) {
  OpenMetricsPage page;
  page.family("attestd_probe_success", "gauge", "", "1 when evidence was had and judged, whatever the verdict.")
      .sample(result.failure ? 0 : 1);
  page.family("attestd_probe_failure", "info", "", "Why there is no evidence, or none that can be read.");
  if (result.failure) page.sample("_info", {{"cause", std::string(to_string(result.failure->code))}}, 1);
  page.family("attestd_probe_duration_seconds", "gauge", "seconds", "How long the probe took, by phase.")
      .sample({{"phase", "fetch"}}, result.fetch_seconds)
      .sample({{"phase", "verify"}}, result.verify_seconds);
  verdict(page, result.verdict);
  page.family("attestd_evidence_age_seconds", "gauge", "seconds",
              "Since the statement was made, by its own clock, which the VM's host controls.");
  if (result.issued_at) page.sample(static_cast<double>(result.at) - static_cast<double>(*result.issued_at));
  const auto parsed = parse_json(result.verdict.claims_json);
  const json::value claims = parsed ? *parsed : json::value(json::object());
  descriptions(page, claims);
  tcb(page, claims);
  expiry(page, claims);
  return std::move(page).finish();
}

}  // namespace attestd
