// A TPM's attestation key in software: quotes whatever a test wants quoted.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "evidence/bundle.h"
#include "evidence/pcr.h"

namespace attestd::test {

class SoftwareAk {
 public:
  enum class Kind { ecc, rsa };
  explicit SoftwareAk(Kind kind = Kind::ecc);  // a new key: P-256 or RSA-2048
  SoftwareAk(SoftwareAk&&) noexcept;
  SoftwareAk& operator=(SoftwareAk&&) noexcept;
  ~SoftwareAk();

  [[nodiscard]] const Bytes& public_area() const { return public_area_; }  // TPMT_PUBLIC
  [[nodiscard]] Bytes name() const;
  [[nodiscard]] Bytes modulus() const;  // of an RSA key
  // Quotes all of `pcrs` over SHA-256; the parts of a bundle.
  [[nodiscard]] TpmEvidence quote(const Bytes& extra_data, const PcrValues& pcrs) const;

 private:
  struct Key;
  std::unique_ptr<Key> key_;
  Bytes public_area_;
};

}  // namespace attestd::test
