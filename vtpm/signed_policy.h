// Signed PCR policies: which boots the owner lets open a volume. A file of them, which an
// update replaces, is all that changes with a new kernel; nothing is sealed anew.
// Source: systemd-measure(1) and systemd-stub(7), "tpm2-pcr-signature.json"; its members are
// read by systemd 252, src/shared/tpm2-util.c, find_signature().
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vtpm/policy_key.h"

namespace attestd::vtpm {

inline constexpr std::size_t signatures_limit = std::size_t{256} << 10U;  // bytes of JSON
inline constexpr std::size_t policies_limit = 512;

// {"sha256":[{"pcrs":[11],"pkfp":"hex","pol":"hex","sig":"base64","values":{"11":"hex"}}]}
struct SignedPolicy {
  std::vector<unsigned> pcrs;  // ascending
  Digest key{};                // PolicyKey::fingerprint
  Digest policy{};             // PolicyPCR over them
  Bytes signature;             // over `policy`
  // What the PCRs must be; ours, not systemd's, which passes over it. Empty, or all of `pcrs`, and
  // then `policy` follows from them: for saying which PCR differs.
  PcrBank values;
};

// The SHA-256 bank; of other banks and members nothing is read. Errors: malformed, not_found (no
// "sha256"), out_of_range, mismatch (values that have another policy).
Result<std::vector<SignedPolicy>> parse_signed_policies(std::string_view json);
std::string encode_signed_policies(const std::vector<SignedPolicy>& policies);

// `json`, such a file or empty, with one more; one of the same key and policy gives way. Other banks, members and
// policies stay as they are. Errors: those of parse_signed_policies() but not_found, out_of_range (over 512).
Result<std::string> add_signed_policy(std::string_view json, const SignedPolicy& policy);

// For `pcrs` of the bank. Errors: not_found (a value is missing), usage (no PCR), those of sign_with().
Result<SignedPolicy> sign_pcr_policy(const SecretBytes& private_pem, const std::vector<unsigned>& pcrs,
                                     const PcrBank& values);
// The same from a prediction, {"sha256":{"4":"hex",…}}, as JSON for one boot.
Result<std::string> sign_prediction(const SecretBytes& private_pem, const std::vector<unsigned>& pcrs,
                                    std::string_view predicted);

// The one that the key signed for these values, its signature checked; with the values. Errors: refused, with the
// reason: nothing is signed by this key, or for these PCRs; PCR N differs, where values are known;
// a signature is not the key's.
Result<SignedPolicy> find_policy(const std::vector<SignedPolicy>& policies, const PolicyKey& key,
                                 const std::vector<unsigned>& pcrs, const PcrBank& values);

}  // namespace attestd::vtpm
