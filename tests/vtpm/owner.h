// An owner's keys, and a volume of theirs in a swtpm.
#pragma once

#include <optional>
#include <string>

#include "tests/hwio/swtpm.h"
#include "vtpm/sealed.h"
#include "vtpm/signed_policy.h"

namespace attestd::test {

enum class KeyKind { p256, rsa2048, rsa3072 };

class Owner {
 public:
  explicit Owner(KeyKind kind = KeyKind::p256);
  [[nodiscard]] const std::string& public_pem() const { return public_pem_; }
  [[nodiscard]] SecretBytes private_pem() const;
  // For boots whose PCRs have these values, as JSON.
  [[nodiscard]] std::string signatures(const std::vector<PcrBank>& boots) const;

 private:
  std::string private_pem_;
  std::string public_pem_;
};

// What went wrong; nothing when all went well.
template <class T>
std::optional<Errc> code_of(const Result<T>& result) {
  if (result) return std::nullopt;
  return result.error().code;
}

inline const std::vector<unsigned> sealed_pcrs = {4, 7, 11, 12};
// A swtpm's after its start.
PcrBank fresh_pcrs();
// Extends it in the TPM and in `bank`.
void extend(const Swtpm& swtpm, unsigned pcr, PcrBank& bank);

SecretBytes secret_of(std::string_view text);
vtpm::EnrolRequest enrolment(const std::string& tcti, const Owner& owner, std::string_view pin = {});
vtpm::VtpmRequest request(const std::string& tcti, const luks::VtpmBinding& binding, const Owner& owner,
                          const std::string& signatures, std::string_view pin = {});

}  // namespace attestd::test
