// Policy digests as the TPM computes them, without one.
// Source: TCG "Trusted Platform Module Library" part 3, version 1.59, section 23.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "evidence/pcr.h"

namespace attestd::vtpm {

using Digest = FixedBytes<32>;  // SHA-256: of all policies and names here

// What the TPM has that nobody else extends before us: PCR 15 is kept for the system (UAPI
// group, "Linux TPM PCR Registry"). It is zero until latch() (vtpm/latch.h).
inline constexpr unsigned latch_pcr = 15;

// The policyDigest of a session, from its start at zero.
class Policy {
 public:
  [[nodiscard]] const Digest& digest() const { return digest_; }
  // TPM2_PolicyPCR, 23.7: `composite` is the digest over their values.
  void pcrs(const std::vector<unsigned>& indices, const Digest& composite);
  // TPM2_PolicyAuthorize, 23.16, without a reference: what was before does not count any more.
  void authorized_by(ByteView key_name);
  // TPM2_PolicyNV, 23.9: eight bytes of the index from its start equal `value`.
  void counter_equals(ByteView index_name, std::uint64_t value);
  // TPM2_PolicyAuthValue, 23.17.
  void authorization_value();

 private:
  void extend(std::uint32_t command, ByteView arguments);
  Digest digest_{};
};

// Of the SHA-256 bank. Error: not_found (a value is missing).
Result<Digest> composite_of(const std::vector<unsigned>& indices, const PcrBank& values);
// What is signed for a boot: PolicyPCR alone.
Result<Digest> pcr_policy(const std::vector<unsigned>& indices, const PcrBank& values);

// TPMS_PCR_SELECTION's bits, least significant first. Part 2, 10.6.
FixedBytes<3> pcr_bits(const std::vector<unsigned>& indices);

// How a volume's secret is guarded.
struct Guard {
  Bytes key_name;              // of the owner's key, as the TPM loads it
  Bytes counter_name;          // of the NV index once it is written; empty: no counter
  std::uint64_t counter = 0;   // that it must have
  bool authorization = false;  // a PIN
};
// PolicyAuthorize, PolicyPCR(PCR 15 is zero), PolicyNV, PolicyAuthValue, in this order.
Digest guard_policy(const Guard& guard);

}  // namespace attestd::vtpm
