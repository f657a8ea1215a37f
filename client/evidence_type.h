// Which format a file has, by its content.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace attestd {

enum class EvidenceType {
  bundle,
  statement,
  snp_report,
  snp_certificates,
  hcl_report,
  td_quote,
  td_report,
  ccel_table,
  cc_event_log,
  cel,
  tpm_quote,
  tpm_signature,
  tpm_public,
  pcrs,
  event_log,
  userspace_log,
  nitro_document,
  svsm_manifest,
  certificate,
};

std::string_view evidence_type_name(EvidenceType type);  // "snp-report", as for --type
std::optional<EvidenceType> evidence_type_from_name(std::string_view name);
std::vector<std::string_view> evidence_type_names();

// By magic numbers and first fields, and for formats that have none by parsing
// the whole of it. Nothing when it is none of them.
std::optional<EvidenceType> detect_evidence_type(ByteView bytes);

}  // namespace attestd
