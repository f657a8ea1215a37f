// Secrets at rest: AES-256-GCM under keys that are derived from one master key, each blob
// bound to what it is and where it belongs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/secret.h"

namespace attestd::broker {

inline constexpr std::size_t master_key_size = 32;
using MasterKeyId = FixedBytes<8>;

// What a blob is, and the only place where it opens: what ("resource"), its name, its
// version. Neither text has a line feed in it.
struct SealContext {
  std::string what;
  std::string name;
  std::int64_t version = 0;
};

// version byte 1 ‖ key id (8) ‖ nonce (12) ‖ ciphertext ‖ tag (16). All sizes in bytes.
struct SealedBlob {
  MasterKeyId key_id{};
  FixedBytes<12> nonce{};
  ByteView ciphertext;  // into what was parsed
  FixedBytes<16> tag{};
};
// Errors: truncated, unsupported (another version byte).
Result<SealedBlob> parse_sealed_blob(ByteView blob);

// key of a blob = HKDF-SHA256 (RFC 5869; no salt, the master key, info "attestd-seal-1" LF
// context) with context = what LF name LF version in decimal; so no key seals more than the
// few secrets of one version of one thing, and random nonces never come near their limit.
// Associated data = version byte ‖ key id ‖ context.
class Sealer {
 public:
  // A file of 32 bytes, or of 64 hexadecimal digits with or without a line feed. Errors:
  // those of open(2), permission (others may read or write it), malformed, io.
  static Result<Sealer> from_file(const std::string& path);
  // Error: out_of_range (not 32 bytes).
  static Result<Sealer> from(SecretBytes master);

  // The first bytes of HKDF-SHA256 with info "key id": tells master keys apart, tells
  // nothing of them.
  [[nodiscard]] const MasterKeyId& key_id() const { return key_id_; }

  // Errors: usage (a line feed in the context), out_of_range (over 1 MiB), crypto, io.
  [[nodiscard]] Result<Bytes> seal(const SealContext& context, ByteView secret) const;
  // Errors: those of parse_sealed_blob(), mismatch (another master key; not this context;
  // changed), usage, io.
  [[nodiscard]] Result<SecretBytes> open(const SealContext& context, ByteView blob) const;

 private:
  Sealer(SecretBytes master, const MasterKeyId& key_id) : master_(std::move(master)), key_id_(key_id) {}

  SecretBytes master_;
  MasterKeyId key_id_{};
};

inline constexpr std::size_t sealed_secret_limit = std::size_t{1} << 20U;

}  // namespace attestd::broker
