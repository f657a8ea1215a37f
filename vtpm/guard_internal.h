// Internal to vtpm: meeting a policy in a session, step by step as policy.h computes it.
#pragma once

#include "vtpm/policy_key.h"
#include "vtpm/signed_policy.h"
#include "vtpm/storage_root_internal.h"

namespace attestd::vtpm {

// SHA-256 bank.
Result<PcrBank> read_bank(ESYS_CONTEXT* esys, const std::vector<unsigned>& pcrs);
Result<void> policy_pcrs(ESYS_CONTEXT* esys, ESYS_TR session, const std::vector<unsigned>& pcrs,
                         const Digest& composite);
// The owner's key as an object of the TPM's.
Result<hwio::EsysHandle> load_policy_key(ESYS_CONTEXT* esys, const PolicyKey& key);
// PolicyPCR over `signed_policy` and PolicyAuthorize by `key`.
Result<void> policy_authorize(ESYS_CONTEXT* esys, ESYS_TR session, const PolicyKey& key,
                              const SignedPolicy& signed_policy);

// What a PIN is to the TPM: its SHA-256 (systemd 252, src/shared/tpm2-util.c, tpm2_seal()). The TPM drops zeros at
// its end, and so does tpm2-tss. Wiped when it goes.
class PinValue {
 public:
  explicit PinValue(ByteView pin);
  PinValue(const PinValue&) = delete;
  PinValue& operator=(const PinValue&) = delete;
  ~PinValue();
  [[nodiscard]] const TPM2B_AUTH& get() const { return value_; }

 private:
  TPM2B_AUTH value_{};
};

// `permission` is for a PIN alone, which may be asked for again. What else was not allowed, as to open the TPM or to
// use its owner's hierarchy, no PIN mends: it becomes `unavailable`.
template <class T>
Result<T> not_the_pin(Result<T> result) {
  if (!result && result.error().code == Errc::permission) result.error().code = Errc::unavailable;
  return result;
}

// TPM2B_PRIVATE || TPM2B_PUBLIC.
struct Blob {
  TPM2B_PRIVATE secret = {};
  TPM2B_PUBLIC area = {};
};
// Errors: malformed (sizes, or no keyed-hash object made in its TPM by SHA-256).
Result<Blob> parse_blob(ByteView bytes);
// `session`: of the storage key's holder. Errors: malformed (it is another TPM's, or was altered).
Result<hwio::EsysHandle> load_blob(ESYS_CONTEXT* esys, ESYS_TR parent, const hwio::EsysHandle& session,
                                   const Blob& blob);
// What the object seals, by a policy session that has met its policy. Errors: permission (the PIN
// is wrong), throttled (the TPM locks itself after too many wrong ones), refused (the policy is not met).
Result<SecretBytes> take_out(ESYS_CONTEXT* esys, const hwio::EsysHandle& object, const hwio::EsysHandle& policy);

}  // namespace attestd::vtpm
