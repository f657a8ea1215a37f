#include "kbs/trustee_evidence.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "evidence/ccel.h"
#include "evidence/td_quote.h"
#include "kbs/evidence_internal.h"

namespace attestd::kbs {
namespace json = boost::json;
namespace {

constexpr std::size_t log_max_size = std::size_t{1} << 20U;  // bytes; firmware reserves 64 KiB to 256 KiB

std::unexpected<Error> no_such_tee(Tee tee) {
  return fail(Errc::unsupported, "evidence of TEE '" + std::string(tee_name(tee)) + "' is not supported");
}

Result<void> parse_tdx_evidence(const JsonMembers& members, TrusteeEvidence& out) {
  ATTESTD_TRY(out.bundle.td_quote, base64_member(members, "quote", td_quote_max_size));
  if (out.bundle.td_quote.empty()) return fail(Errc::malformed, members.place("quote") + " is empty");
  if (has_value(members, "cc_eventlog")) {
    ATTESTD_TRY(const Bytes log, base64_member(members, "cc_eventlog", log_max_size));
    out.bundle.cc_event_log = trim_cc_event_log(log);
  }
  if (has_value(members, "aa_eventlog")) {
    ATTESTD_TRY(out.agent_event_log, members.string("aa_eventlog"));
  }
  return {};
}

Result<std::string> encode_tdx_evidence(const Bundle& bundle) {
  if (bundle.td_quote.empty()) return fail(Errc::not_found, "there is no TD quote to send");
  json::object out;
  out["cc_eventlog"] =
      bundle.cc_event_log.empty() ? json::value() : json::value(json::string(to_base64(bundle.cc_event_log)));
  out["quote"] = to_base64(bundle.td_quote);
  return json::serialize(out);
}

}  // namespace

Result<TrusteeEvidence> parse_trustee_evidence(Tee tee, std::string_view primary_evidence) {
  ATTESTD_TRY(const json::value document, parse_message(primary_evidence, "evidence"));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(document, "evidence"));
  TrusteeEvidence out;
  Result<void> parsed;
  switch (tee) {
    case Tee::snp: parsed = parse_snp_evidence(members, out); break;
    case Tee::tdx: parsed = parse_tdx_evidence(members, out); break;
    case Tee::az_snp_vtpm:
    case Tee::az_tdx_vtpm: parsed = parse_azure_evidence(tee, members, out); break;
    case Tee::tpm: parsed = parse_tpm_evidence(members, out); break;
    default: return no_such_tee(tee);
  }
  if (!parsed) return std::unexpected(std::move(parsed).error());
  return out;
}

Result<std::string> encode_trustee_evidence(Tee tee, const Bundle& bundle, SnpSerialization serialization) {
  switch (tee) {
    case Tee::snp: return encode_snp_evidence(bundle, serialization);
    case Tee::tdx: return encode_tdx_evidence(bundle);
    case Tee::az_snp_vtpm:
    case Tee::az_tdx_vtpm: return encode_azure_evidence(tee, bundle);
    case Tee::tpm: return encode_tpm_evidence(bundle);
    default: return no_such_tee(tee);
  }
}

}  // namespace attestd::kbs
