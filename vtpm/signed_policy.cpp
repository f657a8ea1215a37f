#include "vtpm/signed_policy.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "base/text.h"
#include "evidence/json_internal.h"

namespace attestd::vtpm {
namespace json = boost::json;
namespace {

constexpr std::size_t pcr_count = 24;
constexpr std::size_t signature_limit = 512;  // bytes

Result<Digest> digest_of(const JsonMembers& members, std::string_view name) {
  ATTESTD_TRY(const std::string text, members.string(name));
  auto bytes = from_hex(text);
  if (!bytes) return std::unexpected(std::move(bytes).error().in(members.place(name)));
  Digest out;
  if (bytes->size() != out.size()) return fail(Errc::malformed, members.place(name) + " has not 32 bytes");
  std::ranges::copy(*bytes, out.begin());
  return out;
}

Result<std::vector<unsigned>> pcrs_of(const JsonMembers& members) {
  ATTESTD_TRY(const json::array* const list, members.array("pcrs", pcr_count));
  std::vector<unsigned> out;
  for (const json::value& element : *list) {
    const auto* const number = element.if_int64();
    if (number == nullptr || *number < 0 || std::cmp_greater_equal(*number, pcr_count)) {
      return fail(Errc::malformed, members.place("pcrs") + " has something else than 0 to 23");
    }
    out.push_back(static_cast<unsigned>(*number));
  }
  std::ranges::sort(out);
  if (out.empty() || std::ranges::adjacent_find(out) != out.end()) {
    return fail(Errc::malformed, members.place("pcrs") + " is empty or names a PCR twice");
  }
  return out;
}

Result<PcrBank> values_of(const json::value& value) {
  ATTESTD_TRY(const PcrValues read, pcr_values_from_json(json::serialize(json::object{{"sha256", value}})));
  const auto bank = read.find(HashAlgorithm::sha256);
  return bank == read.end() ? PcrBank() : bank->second;
}

Result<SignedPolicy> policy_of(const json::value& value) {
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, "sha256[]"));
  SignedPolicy out;
  ATTESTD_TRY(out.pcrs, pcrs_of(members));
  ATTESTD_TRY(out.key, digest_of(members, "pkfp"));
  ATTESTD_TRY(out.policy, digest_of(members, "pol"));
  ATTESTD_TRY(const std::string text, members.string("sig"));
  auto signature = from_base64(text);
  if (!signature) return std::unexpected(std::move(signature).error().in("sha256[].sig"));
  if (signature->empty() || signature->size() > signature_limit) {
    return fail(Errc::out_of_range, "sha256[].sig has not 1 to 512 bytes");
  }
  out.signature = *std::move(signature);
  const json::value* const values = members.find("values");
  if (values == nullptr) return out;
  ATTESTD_TRY(out.values, values_of(*values));
  const bool same = out.values.size() == out.pcrs.size();
  ATTESTD_TRY(const Digest policy, pcr_policy(out.pcrs, out.values));
  if (!same || policy != out.policy) return fail(Errc::mismatch, "sha256[].values are not those of its \"pol\"");
  return out;
}

json::object json_of(const SignedPolicy& policy) {
  json::object out = {{"pcrs", json::array(policy.pcrs.begin(), policy.pcrs.end())},
                      {"pkfp", to_hex(policy.key)},
                      {"pol", to_hex(policy.policy)},
                      {"sig", to_base64(policy.signature)}};
  json::object values;
  for (const auto& [index, digest] : policy.values) values[std::to_string(index)] = to_hex(digest);
  if (!values.empty()) out["values"] = std::move(values);
  return out;
}

PcrBank differing(const SignedPolicy& policy, const PcrBank& values) {
  PcrBank out;
  for (const auto& [index, value] : policy.values) {
    const auto found = values.find(index);
    if (found == values.end() || found->second != value) out[index] = found == values.end() ? Bytes() : found->second;
  }
  return out;
}

std::string numbers(const std::vector<unsigned>& pcrs) {
  std::vector<std::string> texts;
  for (const unsigned pcr : pcrs) texts.push_back(std::to_string(pcr));
  return joined(texts);
}

// Why none of the policies is for these values: by the one that comes closest.
std::unexpected<Error> not_covered(const std::vector<const SignedPolicy*>& candidates, const PcrBank& values) {
  PcrBank fewest;
  for (const SignedPolicy* const candidate : candidates) {
    PcrBank here = differing(*candidate, values);
    if (!here.empty() && (fewest.empty() || here.size() < fewest.size())) fewest = std::move(here);
  }
  const std::string none = "no signature covers this boot's PCRs " + numbers(candidates.front()->pcrs);
  if (fewest.empty()) return fail(Errc::refused, none + " as the owner signed them");
  std::vector<unsigned> indices;
  std::vector<std::string> now;
  for (const auto& [index, value] : fewest) {
    indices.push_back(index);
    now.push_back(std::to_string(index) + "=" + to_hex(value));
  }
  return fail(Errc::refused, none + ": PCR " + numbers(indices) + (indices.size() == 1 ? " differs" : " differ") +
                                 " from what the owner signed (now " + joined(now) + ")");
}

}  // namespace

Result<std::vector<SignedPolicy>> parse_signed_policies(std::string_view text) {
  if (text.size() > signatures_limit) return fail(Errc::out_of_range, "the signed PCR policies have over 256 KiB");
  ATTESTD_TRY(const json::value value, parse_json(text));
  ATTESTD_TRY(const JsonMembers banks, JsonMembers::of(value, "the signed PCR policies"));
  ATTESTD_TRY(const json::array* const list, banks.array("sha256", policies_limit));
  std::vector<SignedPolicy> out;
  for (const json::value& element : *list) {
    ATTESTD_TRY(SignedPolicy policy, policy_of(element));
    out.push_back(std::move(policy));
  }
  return out;
}

std::string encode_signed_policies(const std::vector<SignedPolicy>& policies) {
  json::array list;
  for (const SignedPolicy& policy : policies) list.push_back(json_of(policy));
  return json::serialize(json::object{{"sha256", std::move(list)}});
}

Result<std::string> add_signed_policy(std::string_view text, const SignedPolicy& policy) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return encode_signed_policies({policy});
  if (text.size() > signatures_limit) return fail(Errc::out_of_range, "the signed PCR policies have over 256 KiB");
  ATTESTD_TRY(json::value value, parse_json(text));
  ATTESTD_TRY(const JsonMembers banks, JsonMembers::of(value, "the signed PCR policies"));
  std::vector<SignedPolicy> present;
  if (banks.find("sha256") != nullptr) {
    ATTESTD_TRY(present, parse_signed_policies(text));
  } else {
    value.as_object()["sha256"].emplace_array();
  }
  json::array& list = value.as_object()["sha256"].as_array();
  for (std::size_t at = present.size(); at-- > 0;) {
    const bool same = present[at].key == policy.key && present[at].policy == policy.policy;
    if (same) list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
  }
  if (list.size() >= policies_limit) return fail(Errc::out_of_range, "the file has 512 PCR policies already");
  list.push_back(json_of(policy));
  return json::serialize(value);
}

Result<SignedPolicy> sign_pcr_policy(const SecretBytes& private_pem, const std::vector<unsigned>& pcrs,
                                     const PcrBank& values) {
  SignedPolicy out;
  out.pcrs = pcrs;
  std::ranges::sort(out.pcrs);
  if (out.pcrs.empty() || out.pcrs.back() >= pcr_count || std::ranges::adjacent_find(out.pcrs) != out.pcrs.end()) {
    return fail(Errc::usage, "a PCR policy is for PCRs of 0 to 23, each once");
  }
  for (const unsigned pcr : out.pcrs) {
    const auto value = values.find(pcr);
    if (value == values.end()) return fail(Errc::not_found, "there is no value of PCR " + std::to_string(pcr));
    out.values[pcr] = value->second;
  }
  ATTESTD_TRY(out.policy, pcr_policy(out.pcrs, out.values));
  ATTESTD_TRY(const std::string public_pem, public_half(private_pem));
  ATTESTD_TRY(const PolicyKey key, read_policy_key(public_pem));
  out.key = key.fingerprint;
  ATTESTD_TRY(out.signature, sign_with(private_pem, out.policy));
  return out;
}

Result<std::string> sign_prediction(const SecretBytes& private_pem, const std::vector<unsigned>& pcrs,
                                    std::string_view predicted) {
  ATTESTD_TRY(const PcrValues values, pcr_values_from_json(predicted));
  const auto bank = values.find(HashAlgorithm::sha256);
  if (bank == values.end()) return fail(Errc::not_found, "the prediction has no bank sha256");
  ATTESTD_TRY(const SignedPolicy policy, sign_pcr_policy(private_pem, pcrs, bank->second));
  return encode_signed_policies({policy});
}

Result<SignedPolicy> find_policy(const std::vector<SignedPolicy>& policies, const PolicyKey& key,
                                 const std::vector<unsigned>& pcrs, const PcrBank& values) {
  std::vector<const SignedPolicy*> candidates;
  for (const SignedPolicy& policy : policies) {
    if (policy.key == key.fingerprint && policy.pcrs == pcrs) candidates.push_back(&policy);
  }
  if (candidates.empty()) {
    const bool any = std::ranges::find(policies, key.fingerprint, &SignedPolicy::key) != policies.end();
    return fail(Errc::refused, any ? "the owner's key has signed no policy for PCRs " + numbers(pcrs)
                                   : "no PCR policy is signed by the owner's key, SHA-256 " + to_hex(key.fingerprint));
  }
  ATTESTD_TRY(const Digest wanted, pcr_policy(pcrs, values));
  std::optional<Error> forged;
  for (const SignedPolicy* const candidate : candidates) {
    if (candidate->policy != wanted) continue;
    auto checked = check_signature(key, candidate->policy, candidate->signature);
    if (checked) {
      SignedPolicy found = *candidate;
      for (const unsigned pcr : pcrs) found.values[pcr] = values.at(pcr);
      return found;
    }
    forged = std::move(checked).error();
  }
  if (forged) return std::unexpected(*std::move(forged));
  return not_covered(candidates, values);
}

}  // namespace attestd::vtpm
