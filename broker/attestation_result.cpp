#include "broker/attestation_result.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <limits>

#include "base/encoding.h"
#include "broker/answers_json_internal.h"
#include "evidence/unlock_json_internal.h"

namespace attestd::broker {
namespace json = boost::json;
namespace {

constexpr std::size_t policies_limit = 1024;
constexpr std::size_t sha256_size = 32;

Result<Answer> answer_from_name(std::string_view name) {
  for (const Answer answer : {Answer::yes, Answer::no, Answer::unknown}) {
    if (answer_name(answer) == name) return answer;
  }
  return fail(Errc::malformed, "an answer is not yes, no or unknown");
}

Result<PolicyResult> parse_policy_result(const json::value& value) {
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, "policy"));
  PolicyResult out;
  ATTESTD_TRY(out.policy, members.string("policy"));
  ATTESTD_TRY(out.version, members.signed_integer("version", 0, std::numeric_limits<std::int64_t>::max()));
  ATTESTD_TRY(const json::value* const given, members.member("answers"));
  ATTESTD_TRY(const JsonMembers answers, JsonMembers::of(*given, "answers"));
  for (std::size_t i = 0; i < question_count; ++i) {
    ATTESTD_TRY(const std::string name, answers.string(question_name(static_cast<Question>(i))));
    ATTESTD_TRY(out.answers.at(i), answer_from_name(name));
  }
  return out;
}

}  // namespace

json::object answers_to_json(const FiveAnswers& answers) {
  json::object out;
  for (std::size_t i = 0; i < question_count; ++i) {
    out[question_name(static_cast<Question>(i))] = answer_name(answers.at(i));
  }
  return out;
}

FiveAnswers answers_of(const Verdict& verdict) {
  FiveAnswers out{};
  out.fill(Answer::unknown);
  for (const auto& [question, answer] : verdict.answers) out.at(static_cast<std::size_t>(question)) = answer.answer;
  return out;
}

std::string encode_claims(const AttestationResult& result, std::string_view issuer) {
  json::array policies;
  for (const PolicyResult& one : result.policies) {
    policies.emplace_back(
        json::object{{"policy", one.policy}, {"version", one.version}, {"answers", answers_to_json(one.answers)}});
  }
  json::object own{{"policies", std::move(policies)},
                   {"simulated", result.simulated},
                   {"protocol", result.protocol},
                   {"evidence_sha256", to_base64url(result.evidence_sha256)}};
  if (result.volume) own["volume"] = volume_to_json(*result.volume);
  return json::serialize(json::object{{"iss", issuer},
                                      {"iat", result.issued_at},
                                      {"nbf", result.issued_at},
                                      {"exp", result.expires_at},
                                      {"jti", to_base64url(result.challenge)},
                                      {"tee", result.tee},
                                      {"tee-pubkey", json::parse(result.key)},
                                      {"attestd", std::move(own)}});
}

Result<AttestationResult> parse_claims(std::string_view text) {
  ATTESTD_TRY(const json::value document, parse_json(text));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(document, "token"));
  AttestationResult out;
  constexpr std::int64_t latest = std::numeric_limits<std::int64_t>::max();
  ATTESTD_TRY(out.issued_at, members.signed_integer("iat", 0, latest));
  ATTESTD_TRY(out.expires_at, members.signed_integer("exp", 0, latest));
  ATTESTD_TRY(out.challenge, members.bytes("jti", sha256_size, sha256_size));
  ATTESTD_TRY(out.tee, members.string("tee"));
  ATTESTD_TRY(const json::value* const key, members.member("tee-pubkey"));
  out.key = json::serialize(*key);
  ATTESTD_TRY(const json::value* const inner, members.member("attestd"));
  ATTESTD_TRY(const JsonMembers own, JsonMembers::of(*inner, "token.attestd"));
  ATTESTD_TRY(out.simulated, own.boolean("simulated"));
  ATTESTD_TRY(out.protocol, own.string("protocol"));
  ATTESTD_TRY(out.evidence_sha256, own.bytes("evidence_sha256", sha256_size, sha256_size));
  ATTESTD_TRY(const json::array* const policies, own.array("policies", policies_limit));
  for (const json::value& value : *policies) {
    ATTESTD_TRY(PolicyResult one, parse_policy_result(value));
    out.policies.push_back(std::move(one));
  }
  if (const json::value* const volume = own.find("volume")) {
    ATTESTD_TRY(const JsonMembers volume_members, JsonMembers::of(*volume, "token.attestd.volume"));
    ATTESTD_TRY(out.volume, decode_volume(volume_members));
  }
  return out;
}

}  // namespace attestd::broker
