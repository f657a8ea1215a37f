// A guest before a broker: its key, and its evidence for a challenge in either form.
#pragma once

#include "jose/jwe.h"
#include "kbs/message.h"
#include "tests/verifier/simulated_vm.h"

namespace attestd::test {

inline constexpr std::string_view measured_hardware = R"("hardware", "initial_state")";
inline constexpr std::string_view measured_vm = R"("hardware", "initial_state", "boot_chain")";

// A policy of broker's: the VM's launch measurement and no other, its simulated root, a vTPM of the host's.
std::string policy_toml(const SimulatedVm& vm, std::string_view required = measured_hardware);

class SimulatedGuest {
 public:
  explicit SimulatedGuest(const SimulatedVm& vm) : vm_(&vm), key_(DecryptionKey::make().value()) {}

  struct Hooks {
    std::function<void(kbs::Attestation&)> message{};  // before the evidence is made for it
    std::function<void(SnpReport&)> report{};
    std::function<void(Statement&)> statement{};
    std::function<void(kbs::Attestation&)> sent{};  // after that
  };
  // A body of /kbs/v0/attest with a report over the runtime data, as Trustee's guests make it.
  [[nodiscard]] std::string with_report(const FixedBytes<kbs::nonce_size>& nonce, const Hooks& hooks) const;
  // With a bundle of ours, for unlocking.
  [[nodiscard]] std::string with_bundle(const FixedBytes<kbs::nonce_size>& nonce,
                                        const std::optional<UnlockClaim::Volume>& volume, const Hooks& hooks) const;

  [[nodiscard]] const DecryptionKey& key() const { return key_; }

 private:
  [[nodiscard]] kbs::Attestation message(const FixedBytes<kbs::nonce_size>& nonce) const;

  const SimulatedVm* vm_;
  DecryptionKey key_;
};

}  // namespace attestd::test
