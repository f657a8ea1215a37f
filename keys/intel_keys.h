// Intel's collateral for the platforms that TD quotes come from: fetched, primed,
// and found again in the cache.
#pragma once

#include <string>
#include <vector>

#include "keys/key_item.h"
#include "verifier/roots.h"
#include "verifier/tdx_collateral.h"

namespace attestd {

struct IntelUrls {
  std::string service, root_crl;
};

class IntelKeys {
 public:
  // All must outlive this.
  IntelKeys(const KeyCache& cache, KeyService& service, TrustRoots roots, IntelUrls urls, std::int64_t now);

  // Documents to try before the service is asked.
  void offer(TdxCollateral collateral) { offered_ = std::move(collateral); }
  // TCB info, QE identity, the PCK CA's revocation list and the root's. Errors:
  // the quote has no chain that says which they are.
  Result<std::vector<KeyOutcome>> provide_for(ByteView quote);

 private:
  struct Document;
  KeyOutcome provide(const Document& document);

  const KeyCache& cache_;
  KeyService& service_;
  TrustRoots roots_;
  IntelUrls urls_;
  std::int64_t now_;
  TdxCollateral offered_;
};

// What a cache has for the platform of a quote; empty when it has nothing or cannot be read.
TdxCollateral cached_tdx_collateral(const std::string& folder, ByteView quote);

}  // namespace attestd
