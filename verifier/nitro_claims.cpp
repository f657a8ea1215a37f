#include "verifier/nitro_claims_internal.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/encoding.h"
#include "evidence/json_strict.h"

namespace attestd {
namespace json = boost::json;
namespace {

constexpr std::int64_t milliseconds = 1000;

}  // namespace

json::object nitro_claims(const NitroVerification& verification) {
  if (!verification.document) return {};
  const NitroDocument& document = *verification.document;
  json::object out{{"kind", nitro_kind_name(document.kind)},
                   {"module_id", to_valid_utf8(document.module_id)},
                   {"timestamp", to_rfc3339(static_cast<std::int64_t>(document.timestamp_ms) / milliseconds)},
                   {"digest", hash_name(document.digest)}};
  json::object registers;
  for (const auto& [index, value] : document.pcrs) registers[std::to_string(index)] = to_hex(value);
  out[document.kind == NitroKind::nitrotpm ? "nitrotpm_pcrs" : "pcrs"] = std::move(registers);
  if (document.public_key) out["public_key"] = to_hex(*document.public_key);
  if (document.user_data) out["user_data"] = to_hex(*document.user_data);
  if (document.nonce) out["nonce"] = to_hex(*document.nonce);
  if (!verification.root_name.empty()) out["root"] = to_valid_utf8(verification.root_name);
  if (!verification.leaf_not_after.empty()) {
    out["certificate_validity"] = json::array{verification.leaf_not_before, verification.leaf_not_after};
  }
  return out;
}

Verdict appraise_nitro(const NitroVerification& verification) {
  std::vector<Check> checks = verification.checks;
  if (verification.document) {
    const bool tpm = verification.document->kind == NitroKind::nitrotpm;
    // An enclave's document can be genuine; it is evidence of another thing.
    checks.push_back({"nitro.kind", tpm ? CheckResult::pass : CheckResult::skipped,
                      tpm ? "the registers are those of the instance's NitroTPM"
                          : "this is a Nitro Enclave's document, not an instance's: it says nothing of a NitroTPM"});
  }
  json::object claims;
  if (verification.document) claims["nitro"] = nitro_claims(verification);
  Verdict verdict = verdict_from_checks(std::move(checks), json::serialize(claims));
  verdict.simulated = verification.simulated;
  return verdict;
}

}  // namespace attestd
