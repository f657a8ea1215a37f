// A volume's secret, sealed in a TPM 2.0.
//
// A keyed-hash object under the storage root key, which opens by policy only (guard_policy() in
// vtpm/policy.h): in a boot that the owner signed, before latch(), at one value of an NV counter, and
// with a PIN, as was enrolled. Who watches or alters the TPM's bus learns nothing and cannot answer in
// its place: every session is salted to the storage root key whose name the token pins.
//
// What it does not say: that the volume is yours. An operating system that this TPM served before
// could have sealed a secret of its own to the same policy. The header's digest in the evidence says
// which volume was opened, to whoever asks.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "luks/token.h"

namespace attestd::vtpm {

inline constexpr std::size_t volume_key_size = 32;  // bytes, random; fewest bytes of a secret of ours

struct VtpmRequest {
  std::string tcti;           // as hwio/tpm.h says
  luks::VtpmBinding binding;  // out of the token
  std::string policy_key;     // the owner's public key in PEM; from the measured image
  std::string signatures;     // signed PCR policies, JSON (vtpm/signed_policy.h)
  SecretBytes pin;            // empty: there is none
};

// The secret. Who isolates the TPM is for vtpm/isolation.h, before. Errors, each in one sentence:
//   unavailable  no TPM answers, or what is asked of it is not allowed
//   mismatch     the TPM was cleared or is another; the policy key is not the enrolled one; the counter is gone
//   refused      this boot is not covered by a signature, with the PCR that differs; somebody was here in this
//                boot (PCR 15); the disk is an older copy than the TPM's counter says
//   permission   the PIN is wrong, or missing; nothing else
//   throttled    the TPM locks itself after wrong PINs
//   malformed    the blob, the signatures or the key
//   tpm          any other answer of the TPM's
Result<SecretBytes> unseal(const VtpmRequest& request);
// Whether unseal() would come as far as the PIN: nobody is to type one in a boot that the owner did not sign. Errors:
// as unseal() has them before.
Result<void> require_openable(const VtpmRequest& request);

struct EnrolRequest {
  std::string tcti;
  std::string policy_key;
  std::vector<unsigned> pcrs = {4, 7, 11, 12};  // that the policies are signed for
  SecretBytes pin;
  std::optional<std::uint32_t> counter;  // NV index for one; this boot must then be covered by:
  std::string signatures;
};
struct Enrolled {
  SecretBytes secret;
  luks::VtpmBinding binding;
};
// A new random secret of 32 bytes. The TPM is believed here: that it is the one that the owner means, and
// isolated, is to be known before (vtpm/isolation.h). Errors: those of unseal(), usage (PCRs).
Result<Enrolled> enrol(const EnrolRequest& request);

// Puts a binding into the volume's token. What it gets is durable when it returns.
using StoreBinding = std::function<Result<void>(const luks::VtpmBinding&)>;
// After unseal(), for a volume with a counter: copies of the disk from before open no more. Seals `secret` anew for
// the next value and stores that as `next`; increments the counter; stores what then holds. After a crash
// anywhere between, the disk opens: unseal() takes `blob` or `next`, whichever the counter fits. Nothing is
// done for a volume without a counter. Errors: those of unseal() and of `store`.
//
// What it proves: the header is the newest, or one of this boot's. What it cannot see: data of an older copy under
// the newest header, and a TPM whose state was restored together with the disk.
Result<void> advance_counter(const VtpmRequest& request, const SecretBytes& secret, const StoreBinding& store);

}  // namespace attestd::vtpm
