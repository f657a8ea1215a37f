// Intel's Provisioning Certification Service: where it serves what.
// Source: Intel "Provisioning Certification Service" API documentation, version 4.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace attestd {

inline constexpr std::string_view intel_pcs_url = "https://api.trustedservices.intel.com";
// Of the root's revocation list: the distribution point that the root certificate names.
inline constexpr std::string_view intel_root_crl_url =
    "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der";

// `base`: intel_pcs_url, or a mirror of the same paths. `fmspc`: 6 bytes.
std::string intel_tcb_info_url(std::string_view base, ByteView fmspc);
std::string intel_qe_identity_url(std::string_view base);
// `ca`: "platform" or "processor". DER.
std::string intel_pck_crl_url(std::string_view base, std::string_view ca);

// The response headers, lower case, that carry the signing chain of TCB info and QE identity:
// PEM, percent-encoded.
inline constexpr std::string_view intel_tcb_info_chain_header = "tcb-info-issuer-chain";
inline constexpr std::string_view intel_qe_identity_chain_header = "sgx-enclave-identity-issuer-chain";

// RFC 3986 section 2.1. Errors: malformed.
Result<std::string> percent_decoded(std::string_view text);

}  // namespace attestd
