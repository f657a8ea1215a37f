#include "client/evidence_type.h"

#include <algorithm>
#include <array>
#include <utility>

#include "evidence/event_log.h"
#include "evidence/snp_certificates.h"
#include "evidence/snp_report.h"
#include "evidence/tpm_attest.h"

namespace attestd {
namespace {

constexpr std::array<std::pair<EvidenceType, std::string_view>, 12> names{{
    {EvidenceType::bundle, "bundle"},
    {EvidenceType::statement, "statement"},
    {EvidenceType::snp_report, "snp-report"},
    {EvidenceType::snp_certificates, "snp-certificates"},
    {EvidenceType::hcl_report, "hcl-report"},
    {EvidenceType::tpm_quote, "tpm-quote"},
    {EvidenceType::tpm_signature, "tpm-signature"},
    {EvidenceType::tpm_public, "tpm-public"},
    {EvidenceType::pcrs, "pcrs"},
    {EvidenceType::event_log, "event-log"},
    {EvidenceType::userspace_log, "userspace-log"},
    {EvidenceType::certificate, "certificate"},
}};

std::optional<EvidenceType> detect_json(std::string_view text) {
  // The first members of our documents; parsing comes later and reports better.
  const std::string_view head = text.substr(0, 4096);
  if (head.find("\"eat_profile\"") != std::string_view::npos) return EvidenceType::statement;
  if (head.find("\"__cmwc_t\"") != std::string_view::npos) return EvidenceType::bundle;
  if (head.find("\"digests\"") != std::string_view::npos) return EvidenceType::userspace_log;
  if (head.find("\"sha1\"") != std::string_view::npos || head.find("\"sha256\"") != std::string_view::npos ||
      head.find("\"sha384\"") != std::string_view::npos || head.find("\"sha512\"") != std::string_view::npos) {
    return EvidenceType::pcrs;
  }
  return EvidenceType::bundle;
}

bool known_table(ByteView bytes) {
  const auto table = parse_snp_certificate_table(bytes);
  constexpr std::array known{snp_guid_vcek, snp_guid_vlek, snp_guid_ask, snp_guid_ark, snp_guid_crl};
  return table && std::any_of(table->begin(), table->end(), [&](const SnpCertificate& certificate) {
           return std::find(known.begin(), known.end(), certificate.guid) != known.end();
         });
}

std::optional<std::uint32_t> first_le32(ByteView bytes) {
  const auto value = Reader(bytes).le32("first field");
  return value ? std::optional(*value) : std::nullopt;
}

bool quote_magic(ByteView bytes) {
  const auto value = Reader(bytes).be32("magic");
  return value && *value == tpm_generated_value;
}

}  // namespace

std::string_view evidence_type_name(EvidenceType type) {
  return std::find_if(names.begin(), names.end(), [&](const auto& entry) { return entry.first == type; })->second;
}

std::optional<EvidenceType> evidence_type_from_name(std::string_view name) {
  const auto* const found =
      std::find_if(names.begin(), names.end(), [&](const auto& entry) { return entry.second == name; });
  return found != names.end() ? std::optional(found->first) : std::nullopt;
}

std::vector<std::string_view> evidence_type_names() {
  std::vector<std::string_view> all;
  all.reserve(names.size());
  for (const auto& entry : names) all.push_back(entry.second);
  return all;
}

std::optional<EvidenceType> detect_evidence_type(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  const auto visible = text.find_first_not_of(" \t\r\n");
  if (visible == std::string_view::npos) return std::nullopt;
  if (text[visible] == '{') return detect_json(text.substr(visible));
  if (text[0] == '\x1e') return EvidenceType::userspace_log;  // RFC 7464 section 2.2
  if (text.find("-----BEGIN CERTIFICATE-----") != std::string_view::npos) return EvidenceType::certificate;
  // DER SEQUENCE with a two-byte length, X.690 section 8.1.
  if (bytes.size() > 4 && text[0] == '\x30' && text[1] == '\x82') return EvidenceType::certificate;
  if (text.starts_with("HCLA")) return EvidenceType::hcl_report;
  if (bytes.size() == snp_report_size) {
    if (const auto version = first_le32(bytes); version && *version >= 2 && *version <= 5) {
      return EvidenceType::snp_report;
    }
  }
  if (quote_magic(bytes) || (bytes.size() > 2 && quote_magic(bytes.subspan(2)))) return EvidenceType::tpm_quote;
  if (known_table(bytes)) return EvidenceType::snp_certificates;
  if (parse_tpm_signature(bytes)) return EvidenceType::tpm_signature;
  if (parse_tpm_public(bytes)) return EvidenceType::tpm_public;
  if (parse_tpm2_tools_pcrs(bytes)) return EvidenceType::pcrs;
  if (const auto log = parse_event_log(bytes); log && !log->events.empty()) return EvidenceType::event_log;
  return std::nullopt;
}

}  // namespace attestd
