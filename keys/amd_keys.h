// AMD's endorsements: fetched, primed, and found again in the cache.
#pragma once

#include <string>
#include <vector>

#include "evidence/bundle.h"
#include "evidence/snp_report.h"
#include "keys/key_item.h"
#include "verifier/snp.h"

namespace attestd {

class AmdKeys {
 public:
  // `url`: of the service. All must outlive this.
  AmdKeys(const KeyCache& cache, KeyService& service, TrustRoots roots, std::string url, std::int64_t now);

  // ASK or ASVK with the ARK, and the ARK's revocation list. `kind`: "VCEK", "VLEK".
  std::vector<KeyOutcome> provide_issuers(SnpProduct product, std::string_view kind);
  std::vector<KeyOutcome> provide_vcek(SnpProduct product, const FixedBytes<64>& chip_id, std::uint64_t tcb);
  // All that is needed to verify a report. A version 2 report does not say
  // its product: each that may be is tried.
  std::vector<KeyOutcome> provide_for(const SnpReport& report);
  // What a file (PEM or DER) has of AMD's, stored under the cache's names once
  // its signatures are good; `issuers` are certificates beside it. An empty list: nothing of AMD's.
  std::vector<KeyOutcome> prime(const SnpEndorsements& from);

 private:
  // When what the bytes are ends, if they are good.
  using JudgeBytes = std::function<Result<std::int64_t>(ByteView)>;
  [[nodiscard]] KeyItem make_item(const std::string& name, std::string url, std::size_t limit, JudgeBytes until) const;
  [[nodiscard]] KeyItem issuers_item(SnpProduct product, std::string_view kind) const;
  [[nodiscard]] KeyItem list_item(SnpProduct product, std::string_view kind) const;
  [[nodiscard]] KeyItem vcek_item(SnpProduct product, const FixedBytes<64>& chip_id, std::uint64_t tcb) const;
  [[nodiscard]] SnpEndorsements cached_issuers(SnpProduct product, std::string_view kind) const;
  KeyOutcome provide(const KeyItem& item) { return provide_key(item, cache_, service_, now_); }
  KeyOutcome store(const std::string& name, ByteView bytes, std::int64_t valid_until);

  const KeyCache& cache_;
  KeyService& service_;
  TrustRoots roots_;
  std::string url_;
  std::int64_t now_;
};

// The SNP report of a bundle, or of the HCL report in it; empty when there is none.
Bytes snp_report_of(const Bundle& bundle);
Bytes snp_report_of_hcl(ByteView hcl_report);

// What a cache has for a report: issuers, revocation lists that had been made at `at`, and
// the leaves of its chip and TCB. Files that cannot be read are left out.
SnpEndorsements cached_snp_endorsements(const std::string& folder, ByteView report, std::int64_t at);

}  // namespace attestd
