#include "client/evidence_type.h"

#include <algorithm>
#include <array>
#include <utility>

#include "evidence/ccel.h"
#include "evidence/cel.h"
#include "evidence/cose_sign1.h"
#include "evidence/event_log.h"
#include "evidence/snp_certificates.h"
#include "evidence/snp_report.h"
#include "evidence/svsm_manifest.h"
#include "evidence/td_quote.h"
#include "evidence/td_report.h"
#include "evidence/tpm_attest.h"

namespace attestd {
namespace {

constexpr auto names = std::to_array<std::pair<EvidenceType, std::string_view>>({
    {EvidenceType::bundle, "bundle"},
    {EvidenceType::statement, "statement"},
    {EvidenceType::snp_report, "snp-report"},
    {EvidenceType::snp_certificates, "snp-certificates"},
    {EvidenceType::hcl_report, "hcl-report"},
    {EvidenceType::td_quote, "td-quote"},
    {EvidenceType::td_report, "td-report"},
    {EvidenceType::ccel_table, "ccel-table"},
    {EvidenceType::cc_event_log, "cc-event-log"},
    {EvidenceType::cel, "cel"},
    {EvidenceType::tpm_quote, "tpm-quote"},
    {EvidenceType::tpm_signature, "tpm-signature"},
    {EvidenceType::tpm_public, "tpm-public"},
    {EvidenceType::pcrs, "pcrs"},
    {EvidenceType::event_log, "event-log"},
    {EvidenceType::userspace_log, "userspace-log"},
    {EvidenceType::nitro_document, "nitro-document"},
    {EvidenceType::svsm_manifest, "svsm-manifest"},
    {EvidenceType::certificate, "certificate"},
});

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

// Version, a key type, and TDX: the first 8 bytes of td_quote.h's header.
bool td_quote_header(ByteView bytes) {
  Reader reader(bytes);
  const auto version = reader.le16("version");
  const auto key_type = reader.le16("key type");
  const auto tee_type = reader.le32("TEE type");
  return tee_type && (*version == 4 || *version == 5) && key_type && *tee_type == td_tee_type_tdx;
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
  // Before certificates: a quote has its chain in it, as PEM.
  if (td_quote_header(bytes)) return EvidenceType::td_quote;
  if (text[visible] == '[') return EvidenceType::cel;
  if (text.find("-----BEGIN CERTIFICATE-----") != std::string_view::npos) return EvidenceType::certificate;
  // DER SEQUENCE with a two-byte length, X.690 section 8.1.
  if (bytes.size() > 4 && text[0] == '\x30' && text[1] == '\x82') return EvidenceType::certificate;
  if (text.starts_with("HCLA")) return EvidenceType::hcl_report;
  if (bytes.size() == snp_report_size) {
    if (const auto version = first_le32(bytes); version && *version >= 2 && *version <= 5) {
      return EvidenceType::snp_report;
    }
  }
  if (bytes.size() == td_report_size && parse_td_report(bytes)) return EvidenceType::td_report;
  if (is_svsm_services(bytes)) return EvidenceType::svsm_manifest;
  if (text.starts_with("CCEL")) return EvidenceType::ccel_table;
  if (quote_magic(bytes) || (bytes.size() > 2 && quote_magic(bytes.subspan(2)))) return EvidenceType::tpm_quote;
  if (parse_cose_sign1(bytes)) return EvidenceType::nitro_document;
  if (known_table(bytes)) return EvidenceType::snp_certificates;
  if (parse_tpm_signature(bytes)) return EvidenceType::tpm_signature;
  if (parse_tpm_public(bytes)) return EvidenceType::tpm_public;
  if (parse_tpm2_tools_pcrs(bytes)) return EvidenceType::pcrs;
  if (parse_cel(bytes)) return EvidenceType::cel;
  if (const auto log = parse_event_log(bytes); log && !log->events.empty()) {
    // A TD's firmware has one bank; a TPM with SHA-384 alone is not known to exist.
    const bool one_bank = log->algorithms == std::vector{HashAlgorithm::sha384};
    return one_bank && parse_cc_event_log(bytes) ? EvidenceType::cc_event_log : EvidenceType::event_log;
  }
  return std::nullopt;
}

}  // namespace attestd
