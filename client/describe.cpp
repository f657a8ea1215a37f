#include "client/describe.h"

#include <boost/json/value.hpp>
#include <string>

#include "base/encoding.h"
#include "client/render.h"
#include "evidence/bundle.h"
#include "evidence/event_log.h"
#include "evidence/event_log_text_internal.h"
#include "evidence/json_internal.h"
#include "evidence/statement.h"
#include "evidence/tpm_attest.h"
#include "evidence/tpm_json.h"

namespace attestd {
namespace {

namespace json = boost::json;

Result<json::value> describe_statement(ByteView bytes) {
  // Parsed for its errors, shown as it stands: members that we do not know too.
  ATTESTD_CHECK(parse_statement(bytes));
  ATTESTD_TRY(json::value document, parse_json(as_text(bytes)));
  json::object out{{"type", "statement"}};
  for (const auto& member : document.as_object()) out.insert(member);
  if (const auto* const nonce = out.if_contains("nonce"); nonce != nullptr && nonce->is_string()) {
    if (const auto raw = from_base64url(std::string_view(nonce->get_string()))) out["nonce_hex"] = to_hex(*raw);
  }
  return out;
}

Result<json::value> describe_signature(ByteView bytes) {
  ATTESTD_TRY(const TpmSignature signature, parse_tpm_signature(bytes));
  json::object out{{"type", "tpm-signature"},
                   {"scheme", tpm_scheme_name(static_cast<std::uint16_t>(signature.scheme))},
                   {"hash", hash_name(signature.hash)}};
  if (!signature.rsa.empty()) out["rsa"] = to_hex(signature.rsa);
  if (!signature.r.empty()) out["r"] = to_hex(signature.r);
  if (!signature.s.empty()) out["s"] = to_hex(signature.s);
  return out;
}

Result<json::value> describe_pcrs(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  const bool is_json =
      text.find_first_not_of(" \t\r\n") != std::string_view::npos && text[text.find_first_not_of(" \t\r\n")] == '{';
  ATTESTD_TRY(const PcrValues values, is_json ? pcr_values_from_json(text) : parse_tpm2_tools_pcrs(bytes));
  ATTESTD_TRY(json::value pcrs, parse_json(pcr_values_to_json(values)));
  return json::object{{"type", "pcrs"}, {"pcrs", std::move(pcrs)}};
}

Result<json::value> describe_quote(ByteView bytes) {
  // TPM2B_ATTEST has its size before the magic.
  const auto magic = Reader(bytes).be32("magic");
  const bool sized = bytes.size() > 2 && magic && *magic != tpm_generated_value;
  ATTESTD_TRY(const TpmQuote quote, parse_tpm_quote(sized ? bytes.subspan(2) : bytes));
  return parse_json(tpm_quote_to_json(quote));
}

Result<void> add(json::object& parts, std::string_view label, EvidenceType type, ByteView bytes) {
  if (bytes.empty()) return {};
  auto part = describe(type, bytes);
  if (!part) return std::unexpected(std::move(part).error().in(label));
  parts[label] = *std::move(part);
  return {};
}

Result<json::value> describe_bundle(ByteView bytes) {
  ATTESTD_TRY(const Bundle bundle, parse_bundle(as_text(bytes)));
  json::object parts;
  ATTESTD_CHECK(add(parts, "statement", EvidenceType::statement, bundle.statement));
  json::array path;
  for (const MerkleHash& hash : bundle.inclusion.path) path.emplace_back(to_hex(hash));
  parts["inclusion"] = {{"leaf_index", bundle.inclusion.leaf_index},
                        {"tree_size", bundle.inclusion.tree_size},
                        {"path", std::move(path)}};
  ATTESTD_CHECK(add(parts, "snp-report", EvidenceType::snp_report, bundle.snp_report));
  ATTESTD_CHECK(add(parts, "snp-certificates", EvidenceType::snp_certificates, bundle.snp_certificates));
  ATTESTD_CHECK(add(parts, "hcl-report", EvidenceType::hcl_report, bundle.hcl_report));
  ATTESTD_CHECK(add(parts, "td-quote", EvidenceType::td_quote, bundle.td_quote));
  ATTESTD_CHECK(add(parts, "cc-event-log", EvidenceType::cc_event_log, bundle.cc_event_log));
  if (bundle.tpm) {
    ATTESTD_CHECK(add(parts, "tpm-quote", EvidenceType::tpm_quote, bundle.tpm->quote));
    ATTESTD_CHECK(add(parts, "tpm-signature", EvidenceType::tpm_signature, bundle.tpm->signature));
    ATTESTD_CHECK(add(parts, "tpm-ak", EvidenceType::tpm_public, bundle.tpm->ak_public));
    ATTESTD_CHECK(add(parts, "tpm-ak-certificate", EvidenceType::certificate, bundle.tpm->ak_certificate));
    Bytes chain;
    for (const Bytes& der : bundle.tpm->ak_chain) chain.insert(chain.end(), der.begin(), der.end());
    ATTESTD_CHECK(add(parts, "tpm-ak-chain", EvidenceType::certificate, chain));
    ATTESTD_CHECK(add(parts, "tpm-ek", EvidenceType::tpm_public, bundle.tpm->ek_public));
    ATTESTD_CHECK(add(parts, "tpm-ek-certificate", EvidenceType::certificate, bundle.tpm->ek_certificate));
    ATTESTD_TRY(json::value pcrs, parse_json(pcr_values_to_json(bundle.tpm->pcrs)));
    parts["tpm-pcrs"] = std::move(pcrs);
  }
  ATTESTD_CHECK(add(parts, "nitro-document", EvidenceType::nitro_document, bundle.nitro_document));
  ATTESTD_CHECK(add(parts, "svsm-manifest", EvidenceType::svsm_manifest, bundle.svsm_manifest));
  ATTESTD_CHECK(add(parts, "certificates", EvidenceType::certificate, bundle.certificates));
  ATTESTD_CHECK(add(parts, "firmware-event-log", EvidenceType::event_log, bundle.firmware_event_log));
  ATTESTD_CHECK(add(parts, "userspace-event-log", EvidenceType::userspace_log, bundle.userspace_event_log));
  ATTESTD_TRY(const MerkleHash root, bundle_root(bundle));
  return json::object{{"type", "bundle"}, {"report_data_by_statement", to_hex(root)}, {"parts", std::move(parts)}};
}

}  // namespace

Result<json::value> describe(EvidenceType type, ByteView bytes) {
  switch (type) {
    case EvidenceType::bundle: return describe_bundle(bytes);
    case EvidenceType::statement: return describe_statement(bytes);
    case EvidenceType::snp_report: return describe_snp_report(bytes);
    case EvidenceType::hcl_report: return describe_hcl_report(bytes);
    case EvidenceType::snp_certificates: return describe_snp_certificates(bytes);
    case EvidenceType::td_quote: return describe_td_quote(bytes);
    case EvidenceType::td_report: return describe_td_report(bytes);
    case EvidenceType::ccel_table: return describe_ccel_table(bytes);
    case EvidenceType::cc_event_log: return describe_cc_event_log(bytes);
    case EvidenceType::cel: return describe_cel(bytes);
    case EvidenceType::tpm_quote: return describe_quote(bytes);
    case EvidenceType::tpm_signature: return describe_signature(bytes);
    case EvidenceType::tpm_public: {
      ATTESTD_TRY(const TpmPublic key, parse_tpm_public(bytes));
      return parse_json(tpm_public_to_json(key));
    }
    case EvidenceType::pcrs: return describe_pcrs(bytes);
    case EvidenceType::event_log: {
      ATTESTD_TRY(const EventLog log, parse_event_log(bytes));
      return parse_json(event_log_to_json(log));
    }
    case EvidenceType::userspace_log: {
      ATTESTD_TRY(const std::vector<UserspaceEvent> events, parse_userspace_log(bytes));
      return parse_json(userspace_log_to_json(events));
    }
    case EvidenceType::nitro_document: return describe_nitro_document(bytes);
    case EvidenceType::svsm_manifest: return describe_svsm_manifest(bytes);
    case EvidenceType::certificate: return describe_certificates(bytes);
  }
  return fail(Errc::internal, "a type without a description");
}

Result<std::string> describe_text(EvidenceType type, ByteView bytes, bool colour) {
  // Logs have one line an event.
  if (type == EvidenceType::event_log) {
    ATTESTD_TRY(const EventLog log, parse_event_log(bytes));
    return event_log_to_text(log);
  }
  if (type == EvidenceType::cc_event_log) return describe_cc_event_log_text(bytes);
  if (type == EvidenceType::userspace_log) {
    ATTESTD_TRY(const std::vector<UserspaceEvent> events, parse_userspace_log(bytes));
    return userspace_log_to_text(events);
  }
  ATTESTD_TRY(const json::value value, describe(type, bytes));
  return render(value, colour);
}

}  // namespace attestd
