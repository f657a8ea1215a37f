#include "broker/decision.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "broker/answers_json_internal.h"
#include "evidence/json_strict.h"

namespace attestd::broker {
namespace json = boost::json;
namespace {

// So that a record stays well below what the log takes.
constexpr std::size_t reasons_limit = 1024;  // bytes
constexpr std::size_t policies_limit = 32;
constexpr std::size_t all_names_limit = std::size_t{20} << 10U;    // bytes of JSON
constexpr std::size_t all_reasons_limit = std::size_t{40} << 10U;  // bytes of JSON

json::object begin(std::int64_t at, std::string_view event, std::string_view decision, const Asker& asker) {
  json::object out{{"at", to_rfc3339(at)},
                   {"event", event},
                   {"decision", decision},
                   {"address", to_valid_utf8(asker.address)},
                   {"protocol", asker.protocol}};
  if (!asker.tee.empty()) out["tee"] = asker.tee;
  if (!asker.challenge.empty()) out["challenge"] = to_hex(asker.challenge);
  if (!asker.evidence_sha256.empty()) out["evidence_sha256"] = to_hex(asker.evidence_sha256);
  return out;
}

std::string cut(std::string_view text) {
  std::string out(text.substr(0, reasons_limit));
  if (out.size() < text.size()) out += " …";
  return to_valid_utf8(out);
}

template <class Decision>
std::string_view outcome(const Decision& decision, std::string_view good) {
  if (decision.reason.empty()) return good;
  return decision.failure ? "failure" : "refused";
}

json::array strings(const std::vector<std::string>& from) {
  constexpr std::size_t name_limit = 253;
  json::array out;
  std::size_t size = 0;
  for (const std::string& text : from) {
    json::value name = json::string(to_valid_utf8(text.substr(0, name_limit)));
    size += json::serialize(name).size();
    if (size > all_names_limit) {
      out.emplace_back("…");
      break;
    }
    out.push_back(std::move(name));
  }
  return out;
}

}  // namespace

std::string unjudged_record(std::int64_t at, const Asker& asker, std::string_view reason) {
  json::object out = begin(at, "attest", "refused", asker);
  out["reason"] = cut(reason);
  out["policies"] = json::array();
  return json::serialize(out);
}

std::string attest_record(std::int64_t at, const Asker& asker, const std::vector<PolicyDecision>& policies,
                          std::string_view failure) {
  bool trusted = false;
  json::array list;
  std::size_t left_out = 0;
  std::size_t reasons_size = 0;
  for (const PolicyDecision& one : policies) {
    trusted = trusted || one.outcome == Outcome::trusted;
    // Those that trust it are always there.
    if (list.size() >= policies_limit && one.outcome != Outcome::trusted) {
      ++left_out;
      continue;
    }
    json::object entry{{"policy", one.policy},
                       {"version", one.version},
                       {"verdict", outcome_name(one.outcome)},
                       {"answers", answers_to_json(one.answers)}};
    if (!one.reasons.empty()) {
      json::value reasons = json::string(cut(one.reasons));
      reasons_size += json::serialize(reasons).size();
      entry["reasons"] = reasons_size <= all_reasons_limit ? std::move(reasons) : json::value("…");
    }
    list.emplace_back(std::move(entry));
  }
  std::string_view verdict = trusted ? "trusted" : "refused";
  if (!failure.empty()) verdict = "failure";
  json::object out = begin(at, "attest", verdict, asker);
  if (!failure.empty()) out["reason"] = cut(failure);
  out["policies"] = std::move(list);
  if (left_out > 0) out["policies_left_out"] = left_out;
  return json::serialize(out);
}

namespace {

std::string secret_record(std::int64_t at, std::string_view event, std::string_view done, const Asker& asker,
                          const ReleaseDecision& decision) {
  json::object out = begin(at, event, outcome(decision, done), asker);
  out["resource"] = cut(decision.resource);
  if (decision.version != 0) out["resource_version"] = decision.version;
  if (decision.policy) {
    out["policy"] = decision.policy->policy;
    out["policy_version"] = decision.policy->version;
    out["answers"] = answers_to_json(decision.policy->answers);
  }
  if (!decision.reason.empty()) out["reason"] = cut(decision.reason);
  return json::serialize(out);
}

}  // namespace

std::string release_record(std::int64_t at, const Asker& asker, const ReleaseDecision& decision) {
  return secret_record(at, "release", "released", asker, decision);
}

std::string enrolment_record(std::int64_t at, const Asker& asker, const ReleaseDecision& decision) {
  return secret_record(at, "enrolment", "enrolled", asker, decision);
}

std::string rotation_record(std::int64_t at, const Asker& asker, const ReleaseDecision& decision) {
  return secret_record(at, "rotation", "rotated", asker, decision);
}

std::string header_record(std::int64_t at, const Asker& asker, const ReleaseDecision& decision,
                          std::string_view next_header_sha256) {
  json::object out = begin(at, "volume-header", outcome(decision, "announced"), asker);
  out["resource"] = cut(decision.resource);
  out["next_header_sha256"] = next_header_sha256;
  if (decision.policy) out["policy"] = decision.policy->policy;
  if (!decision.reason.empty()) out["reason"] = cut(decision.reason);
  return json::serialize(out);
}

std::string certificate_record(std::int64_t at, const Asker& asker, const CertificateDecision& decision) {
  json::object out = begin(at, "certificate", outcome(decision, "signed"), asker);
  if (!decision.policy.empty()) {
    out["policy"] = decision.policy;
    out["answers"] = answers_to_json(decision.answers);
  }
  out["principals"] = strings(decision.principals);
  if (decision.reason.empty()) {
    out["keys"] = strings(decision.keys);
    out["serial"] = decision.serial;
    out["valid_before"] = to_rfc3339(decision.valid_before);
  } else {
    out["reason"] = cut(decision.reason);
  }
  return json::serialize(out);
}

std::string refusals_record(std::int64_t at, const UnrecordedRefusals& refusals) {
  return json::serialize(json::object{{"at", to_rfc3339(at)},
                                      {"event", "refusals"},
                                      {"decision", "refused"},
                                      {"address", to_valid_utf8(refusals.address)},
                                      {"not_recorded_singly", refusals.count},
                                      {"from", to_rfc3339(refusals.first)},
                                      {"until", to_rfc3339(refusals.last)}});
}

std::string admin_record(std::int64_t at, std::string_view user, std::string_view action, std::string_view object) {
  return json::serialize(json::object{{"at", to_rfc3339(at)},
                                      {"event", "admin"},
                                      {"user", to_valid_utf8(user)},
                                      {"action", action},
                                      {"object", to_valid_utf8(object)}});
}

}  // namespace attestd::broker
