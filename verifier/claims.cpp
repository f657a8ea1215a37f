#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "evidence/event_facts.h"
#include "evidence/json_internal.h"
#include "evidence/json_strict.h"
#include "evidence/snp_json_internal.h"
#include "verifier/appraise_internal.h"
#include "verifier/claims_tdx_internal.h"
#include "verifier/nitro_claims_internal.h"

namespace attestd {
namespace json = boost::json;
namespace {

json::object snp_claims(const SnpVerification& verification) {
  json::object out = snp_report_to_json(*verification.report, verification.product);
  if (!verification.signer.empty()) out["signer"] = verification.signer;
  if (!verification.root_name.empty()) out["root"] = to_valid_utf8(verification.root_name);
  if (!verification.leaf_not_after.empty()) {
    out["certificate_validity"] = json::array{verification.leaf_not_before, verification.leaf_not_after};
  }
  return out;
}

json::object pcr_claims(const PcrValues& pcrs) {
  json::object out;
  for (const auto& [bank, values] : pcrs) {
    json::object one;
    for (const auto& [index, value] : values) one[std::to_string(index)] = to_hex(value);
    out[hash_name(bank)] = std::move(one);
  }
  return out;
}

json::object tpm_claims(const Facts& facts) {
  const TpmVerification& tpm = *facts.tpm;
  json::object out;
  if (tpm.ak) out["ak_name"] = to_hex(tpm.ak->name);
  if (tpm.quote) {
    out["clock_ms"] = tpm.quote->clock_ms;
    out["clock_safe"] = tpm.quote->clock_safe;
    out["reset_count"] = tpm.quote->reset_count;
    out["state"] = vtpm_state_name(vtpm_state(*tpm.quote));
    out["restart_count"] = tpm.quote->restart_count;
    out["extra_data"] = to_hex(tpm.quote->extra_data);
  }
  if (tpm.pcrs && facts.passed("tpm.signature") && facts.passed("tpm.pcrs")) out["pcrs"] = pcr_claims(*tpm.pcrs);
  if (tpm.log) {
    out["firmware_events"] = tpm.log->events.size();
    const std::optional<bool> secure_boot = tpm.event_facts.secure_boot;
    if (secure_boot && facts.passed("tpm.eventlog")) out["secure_boot"] = *secure_boot;
  }
  if (!tpm.userspace_events.empty()) out["userspace_events"] = tpm.userspace_events.size();
  return out;
}

}  // namespace

std::string claims_to_json(ByteView statement, const Facts& facts) {
  json::object out;
  if (facts.statement) {
    if (auto value = parse_json(as_text(statement))) out["statement"] = *std::move(value);
  }
  if (facts.snp && facts.snp->report) out["snp"] = snp_claims(*facts.snp);
  if (facts.azure) {
    if (auto value = parse_json(azure_claims_json(*facts.azure))) out["azure"] = *std::move(value);
  }
  if (facts.tdx && facts.tdx->quote) out["tdx"] = tdx_claims(*facts.tdx);
  if (facts.svsm) {
    if (auto value = parse_json(svsm_claims_json(*facts.svsm))) out["svsm"] = *std::move(value);
  }
  if (facts.ak_certificate) {
    if (auto value = parse_json(ak_certificate_claims_json(*facts.ak_certificate))) {
      out["ak_certificate"] = *std::move(value);
    }
  }
  if (facts.tpm) out["tpm"] = tpm_claims(facts);
  if (facts.nitro) out["nitro"] = nitro_claims(*facts.nitro);
  return json::serialize(out);
}

}  // namespace attestd
