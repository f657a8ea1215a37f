// Signs OpenSSH host certificates.
#pragma once

#include "base/secret.h"
#include "evidence/ssh_certificate.h"

namespace attestd::broker {

// A certificate authority's Ed25519 key.
class SshAuthority {
 public:
  // A new one.
  static Result<SshAuthority> make();
  // `seed`: the private key of RFC 8032 section 5.1.5, 32 bytes.
  static Result<SshAuthority> load(SecretBytes seed);

  [[nodiscard]] const SshPublicKey& public_key() const { return public_; }
  [[nodiscard]] ByteView seed() const { return seed_.view(); }
  // The authority is put in. Errors: those of encode_ssh_host_certificate(), crypto.
  [[nodiscard]] Result<SshPublicKey> sign(SshHostCertificate certificate) const;

 private:
  SshAuthority(SecretBytes seed, SshPublicKey key) : seed_(std::move(seed)), public_(std::move(key)) {}
  SecretBytes seed_;
  SshPublicKey public_;
};

}  // namespace attestd::broker
