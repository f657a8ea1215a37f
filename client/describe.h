// Evidence as JSON, for `attestctl inspect`.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

#include "base/bytes.h"
#include "client/evidence_type.h"

namespace attestd {

// An object whose member "type" is evidence_type_name(type); numbers as they
// are, bytes as hexadecimal. Errors: those of the format's parser.
Result<boost::json::value> describe(EvidenceType type, ByteView bytes);

// The same for people, escaped; `colour` dims names.
Result<std::string> describe_text(EvidenceType type, ByteView bytes, bool colour);

// The parts that are not the TPM's.
Result<boost::json::value> describe_snp_report(ByteView bytes);
Result<boost::json::value> describe_hcl_report(ByteView bytes);
Result<boost::json::value> describe_snp_certificates(ByteView bytes);
Result<boost::json::value> describe_td_quote(ByteView bytes);
Result<boost::json::value> describe_td_report(ByteView bytes);
Result<boost::json::value> describe_ccel_table(ByteView bytes);
Result<boost::json::value> describe_cc_event_log(ByteView bytes);
Result<std::string> describe_cc_event_log_text(ByteView bytes);
Result<boost::json::value> describe_cel(ByteView bytes);
Result<boost::json::value> describe_nitro_document(ByteView bytes);
// Of all services, or of the vTPM alone.
Result<boost::json::value> describe_svsm_manifest(ByteView bytes);
// PEM or DER, one or many; with the instance that Google certified a vTPM's key for.
Result<boost::json::value> describe_certificates(ByteView bytes);

}  // namespace attestd
