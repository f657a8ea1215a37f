// Each TEE's part of kbs/trustee_evidence.h.
#pragma once

#include "kbs/json_internal.h"
#include "kbs/trustee_evidence.h"

namespace attestd::kbs {

Result<void> parse_snp_evidence(const JsonMembers& members, TrusteeEvidence& out);
Result<std::string> encode_snp_evidence(const Bundle& bundle, SnpSerialization serialization);

// {"attestation_report"}: 1184 bytes from either serialization, and to it.
Result<Bytes> report_from_json(const JsonMembers& members);
Result<boost::json::object> report_to_json(ByteView report, SnpSerialization serialization);

Result<void> parse_azure_evidence(Tee tee, const JsonMembers& members, TrusteeEvidence& out);
Result<std::string> encode_azure_evidence(Tee tee, const Bundle& bundle);
Result<void> parse_tpm_evidence(const JsonMembers& members, TrusteeEvidence& out);
Result<std::string> encode_tpm_evidence(const Bundle& bundle);

}  // namespace attestd::kbs
