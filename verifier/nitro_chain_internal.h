// From the certificate in an attestation document to a root. For .cpp files only.
#pragma once

#include <string>

#include "base/openssl_internal.h"
#include "evidence/nitro_document.h"
#include "verifier/nitro.h"

namespace attestd {

struct NitroChain {
  std::string root_name;
  bool simulated = false;
};

// `leaf` is document.certificate, parsed. Errors say what is missing or wrong.
Result<NitroChain> check_nitro_chain(X509* leaf, const NitroDocument& document, const TrustRoots& roots,
                                     std::int64_t at, NitroTrust trust);

}  // namespace attestd
