// What Intel publishes about TDX platforms, from files: TCB info, QE identities,
// their issuers' certificates and revocation lists. All of it is hostile until
// verifier/tdx.h has verified it.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace attestd {

struct TdxCollateral {
  std::vector<Bytes> tcb_infos;      // JSON just as Intel's service gives it, with its signature
  std::vector<Bytes> qe_identities;  // likewise
  std::vector<Bytes> certificates;   // DER, any order: TCB signing, PCK CAs, root
  std::vector<Bytes> crls;           // DER: of the root, of the PCK CA
  [[nodiscard]] bool empty() const {
    return tcb_infos.empty() && qe_identities.empty() && certificates.empty() && crls.empty();
  }
};

// The *.json, *.pem, *.der, *.crt, *.cer, *.crl of a folder, told apart by what
// they hold. Errors: not_found, malformed with the file's name.
Result<TdxCollateral> load_tdx_collateral(const std::string& folder);
// One file's content. Errors: malformed.
Result<void> add_tdx_collateral(ByteView bytes, TdxCollateral& into);

}  // namespace attestd
