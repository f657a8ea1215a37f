// What one of Intel's documents is good for, for a platform that a quote comes
// from: for what fetches and keeps them. A verifier judges them again.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "verifier/roots.h"
#include "verifier/tdx_collateral.h"

namespace attestd {

struct TdxPlatform {
  FixedBytes<6> fmspc{};
  std::string ca;  // that issued its PCK certificate: "platform" or "processor"
};
// By the PCK certificate in a quote, unverified. Errors: those of parse_td_quote();
// not_found and malformed when there is no such certificate, or more than one.
Result<TdxPlatform> tdx_platform_of(ByteView quote);

// When the document ends, in Unix seconds. Errors: malformed, mismatch (a signature,
// or another platform's), refused (root), expired and others as verify_tdx() has them.
// `certificates`: DER of the TCB signing certificate and its root.
Result<std::int64_t> check_tdx_tcb_info(ByteView json, const std::vector<Bytes>& certificates, ByteView quote,
                                        const TrustRoots& roots, std::int64_t at);
Result<std::int64_t> check_tdx_qe_identity(ByteView json, const std::vector<Bytes>& certificates, ByteView quote,
                                           const TrustRoots& roots, std::int64_t at);
// A revocation list by the PCK CA or by the root of the quote's own chain.
enum class IntelListIssuer { pck_ca, root };
Result<std::int64_t> check_intel_list(ByteView der, IntelListIssuer issuer, ByteView quote, const TrustRoots& roots,
                                      std::int64_t at);

}  // namespace attestd
