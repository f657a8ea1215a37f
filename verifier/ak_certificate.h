// Certificates that a cloud gives the keys of its vTPMs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "evidence/gce_instance.h"
#include "evidence/tpm_attest.h"
#include "verifier/roots.h"

namespace attestd {

// Google's root for the keys of its vTPMs.
std::span<const PinnedRoot> vtpm_key_roots();

// The instance identity of a certificate (DER), verified or not; nothing when it has none.
Result<std::optional<GceInstance>> gce_instance_of(ByteView certificate);

enum class TpmKeyUse { attestation, endorsement };

struct TpmKeyCertificate {
  std::string root_name;
  bool simulated = false;               // the root is one that the user named
  std::string not_before, not_after;    // RFC 3339
  std::optional<GceInstance> instance;  // Google's instance identity, when the certificate has one
};

// Whether `certificate` (DER) is of `key`, for this use by its key usage, and valid
// at `at` (Unix seconds) under a root, by way of issuers among `pool` (DER, hostile;
// what does not parse is passed over). Errors: not_found (an issuer is missing),
// mismatch (another key, a bad signature), expired, refused (root, constraints,
// usage, signature algorithm), malformed.
Result<TpmKeyCertificate> verify_tpm_key_certificate(ByteView certificate, const TpmPublic& key, TpmKeyUse use,
                                                     const std::vector<Bytes>& pool, const TrustRoots& roots,
                                                     std::int64_t at);

}  // namespace attestd
