// Trust anchors: pinned digests of public keys, and roots named by the user.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace attestd {

struct PinnedRoot {
  std::string_view name;         // "ARK-Milan"
  std::string_view spki_sha256;  // hex of SHA-256 over the DER SubjectPublicKeyInfo
};
// AMD's ARKs for Milan, Genoa and Turin.
std::span<const PinnedRoot> amd_roots();
// AWS's root for attestation documents of Nitro Enclaves and of NitroTPM.
std::span<const PinnedRoot> nitro_roots();
// Intel's SGX root, which certifies TDX platforms too.
std::span<const PinnedRoot> intel_roots();

// Certificates (DER) that the user named (policy, --trust-root and its like): chains
// that end in one of them are good but `simulated`. A root vouches for what it was
// named for, nothing else.
struct TrustRoots {
  std::vector<Bytes> named;    // hardware: beside AMD's and Intel's
  std::vector<Bytes> vtpm{};   // certificates of vTPMs' keys: beside Google's
  std::vector<Bytes> nitro{};  // attestation documents: beside AWS's
};

}  // namespace attestd
