// A bundle against a policy: every check, the five answers, the verdict.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "evidence/bundle.h"
#include "evidence/statement.h"
#include "verifier/policy.h"
#include "verifier/snp.h"
#include "verifier/verdict.h"

namespace attestd {

struct AppraisalContext {
  std::optional<Bytes> nonce;            // that we sent; nothing: freshness by age only
  std::int64_t at = 0;                   // Unix seconds
  SnpEndorsements extra_endorsements;    // cached certificates and CRLs
  std::optional<SshPublicKey> host_key;  // that ssh was offered; binding.host-key
};

struct Appraisal {
  Verdict verdict;
  std::optional<Statement> statement;  // believe it only when the verdict is trusted
};

Appraisal appraise(const Bundle& bundle, const Policy& policy, const AppraisalContext& context);

}  // namespace attestd
