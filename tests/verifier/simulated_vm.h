// A VM as a test wants it: its claims, firmware, boot log and keys, and the
// bundle that it gives to an asker.
#pragma once

#include <functional>

#include "evidence/bundle.h"
#include "evidence/event_log.h"
#include "evidence/statement.h"
#include "sim/signer/snp_signer.h"
#include "tests/verifier/software_ak.h"
#include "verifier/appraise.h"

namespace attestd::test {

// Minted once for the whole program: RSA-4096 takes its time.
const sim::SnpSigner& signer();

struct SimulatedVm {
  SimulatedVm();

  Statement statement;  // without the nonce
  SnpReport report;     // without report data
  SoftwareAk ak;
  Bytes firmware_log;  // of a boot with Secure Boot on
  PcrValues pcrs;      // as that log replays

  // Each hook sees a part before the next one binds it.
  struct Hooks {
    std::function<void(Statement&)> statement;
    std::function<void(SnpReport&)> report;  // after REPORT_DATA is set, before it is signed
    std::function<void(Bundle&)> bundle;
  };
  [[nodiscard]] Bundle bundle(const Bytes& nonce, const Hooks& hooks) const;
  [[nodiscard]] Bundle bundle(const Bytes& nonce) const { return bundle(nonce, {}); }
};

inline const Bytes& test_nonce() {
  static const Bytes nonce = to_bytes("0123456789abcdef");
  return nonce;
}

inline constexpr std::int64_t test_time = 1764000000;
inline constexpr std::string_view test_host_key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEkACUkG5cH48V/RB1TMGsQAIW7F/ze4O1sspG9ryahH";

// Accepts exactly this VM, its host-run vTPM included.
Policy policy_for(const SimulatedVm& vm);
AppraisalContext context_for(const Bytes& nonce);

}  // namespace attestd::test
