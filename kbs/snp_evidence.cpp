// Evidence of TEE "snp".
#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include "evidence/snp_certificates.h"
#include "kbs/evidence_internal.h"

namespace attestd::kbs {
namespace json = boost::json;
namespace {

constexpr std::size_t certificate_limit = 64;
constexpr std::size_t certificate_max_size = std::size_t{64} << 10U;

// CertType of the sev crate.
struct CertificateName {
  std::string_view name;
  std::string_view guid;
};
constexpr std::array certificate_names{
    CertificateName{"ARK", snp_guid_ark},   CertificateName{"ASK", snp_guid_ask},
    CertificateName{"VCEK", snp_guid_vcek}, CertificateName{"VLEK", snp_guid_vlek},
    CertificateName{"CRL", snp_guid_crl},
};

// "VCEK", or {"OTHER": GUID}. Nothing for "Empty", the end of the host's table.
Result<std::optional<Guid>> parse_type(const JsonMembers& entry) {
  ATTESTD_TRY(const json::value* const type, entry.member("cert_type"));
  if (type->is_string()) {
    if (type->get_string() == "Empty") return std::optional<Guid>();
    const auto* const it =
        std::ranges::find(certificate_names, std::string_view(type->get_string()), &CertificateName::name);
    if (it != certificate_names.end()) return std::optional<Guid>(it->guid);
  } else if (type->is_object()) {
    ATTESTD_TRY(const JsonMembers members, JsonMembers::of(*type, entry.place("cert_type")));
    ATTESTD_TRY(const std::string text, members.string("OTHER"));
    const FixedBytes<guid_size> bytes = guid_to_rfc4122(text);
    // Zeros would end the table.
    if (guid_from_rfc4122(bytes) == text && !all_zero(bytes)) return std::optional<Guid>(text);
  }
  return fail(Errc::malformed, entry.place("cert_type") + " is no kind of certificate");
}

Result<Bytes> parse_certificates(const JsonMembers& members) {
  if (!has_value(members, "cert_chain")) return Bytes();
  ATTESTD_TRY(const json::array* const entries, members.array("cert_chain", certificate_limit));
  std::vector<SnpCertificate> certificates;
  for (const json::value& value : *entries) {
    ATTESTD_TRY(const JsonMembers entry, JsonMembers::of(value, members.place("cert_chain[]")));
    ATTESTD_TRY(std::optional<Guid> guid, parse_type(entry));
    ATTESTD_TRY(Bytes data, array_member(entry, "data", 0, certificate_max_size));
    if (guid) certificates.push_back({*std::move(guid), std::move(data)});
  }
  return encode_snp_certificate_table(certificates);
}

json::value type_to_json(const Guid& guid) {
  const auto* const it = std::ranges::find(certificate_names, std::string_view(guid), &CertificateName::guid);
  if (it != certificate_names.end()) return json::string(it->name);
  return json::object{{"OTHER", guid}};
}

}  // namespace

Result<void> parse_snp_evidence(const JsonMembers& members, TrusteeEvidence& out) {
  ATTESTD_TRY(out.bundle.snp_report, report_from_json(members));
  ATTESTD_TRY(out.bundle.snp_certificates, parse_certificates(members));
  return {};
}

Result<std::string> encode_snp_evidence(const Bundle& bundle, SnpSerialization serialization) {
  if (bundle.snp_report.empty()) return fail(Errc::not_found, "there is no SNP report to send");
  ATTESTD_TRY(json::object report, report_to_json(bundle.snp_report, serialization));
  ATTESTD_TRY(const std::vector<SnpCertificate> certificates, parse_snp_certificate_table(bundle.snp_certificates));
  json::array chain;
  for (const SnpCertificate& certificate : certificates) {
    chain.push_back(
        json::object{{"cert_type", type_to_json(certificate.guid)}, {"data", array_of_bytes(certificate.data)}});
  }
  json::object out{{"attestation_report", std::move(report)}};
  // A chain without a VCEK or VLEK is refused; without any the server asks AMD for one.
  out["cert_chain"] = chain.empty() ? json::value() : json::value(std::move(chain));
  return json::serialize(out);
}

}  // namespace attestd::kbs
