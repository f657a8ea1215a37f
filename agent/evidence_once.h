// Evidence without a daemon: for who needs some once or twice and goes.
#pragma once

#include <memory>
#include <string>

#include "agent/config.h"
#include "agent/devices.h"
#include "agent/evidence_request.h"
#include "evidence/bundle.h"

namespace attestd::agent {

class EvidenceOnce {
 public:
  EvidenceOnce(Config config, Devices devices);
  ~EvidenceOnce();
  EvidenceOnce(const EvidenceOnce&) = delete;
  EvidenceOnce& operator=(const EvidenceOnce&) = delete;

  // "kvm-snp": what machine this seems to be.
  [[nodiscard]] const std::string& platform() const;
  // A bundle, as POST /v1/evidence would give it. Blocks for at most the configuration's
  // request timeout. The error has the problem's sentence; key_wiped (no report until a
  // reboot), busy, throttled, timed_out, unavailable, or usage (what was asked for cannot be).
  Result<std::string> bundle(EvidenceRequest request);
  // The hardware's report (and a TPM's quote) over 64 bytes that another protocol fixes, without a statement.
  // Only for uid 0, whose word it is: never for what others ask.
  Result<Bundle> raw_report(const FixedBytes<64>& report_data);

 private:
  struct Inner;
  std::unique_ptr<Inner> inner_;
};

}  // namespace attestd::agent
