// Changing a TPM's PCRs as firmware and systemd do: TPM2_PCR_Extend.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "evidence/event_log.h"
#include "evidence/pcr.h"

namespace attestd::sim {

struct PcrExtension {
  unsigned pcr = 0;
  std::vector<EventDigest> digests;
};

// In order, over one connection to `tcti`. Errors: unavailable, tpm.
Result<void> extend_pcrs(const std::string& tcti, const std::vector<PcrExtension>& extensions);
// All 24 registers of a bank. Errors: unavailable, unsupported (no such bank), tpm.
Result<PcrBank> read_pcrs(const std::string& tcti, HashAlgorithm bank);

}  // namespace attestd::sim
