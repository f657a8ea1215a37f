#include "broker/ssh_authority.h"

#include "base/openssl_internal.h"
#include "base/random.h"

namespace attestd::broker {
namespace {

constexpr std::size_t seed_size = 32;
constexpr std::size_t nonce_size = 32;
constexpr std::size_t signature_size = 64;
constexpr std::string_view ed25519 = "ssh-ed25519";

openssl::Key private_key(ByteView seed) {
  return openssl::Key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, openssl::data(seed), seed.size()));
}

}  // namespace

Result<SshAuthority> SshAuthority::make() {
  ATTESTD_TRY(SecretBytes seed, SecretBytes::random(seed_size));
  return load(std::move(seed));
}

Result<SshAuthority> SshAuthority::load(SecretBytes seed) {
  if (seed.size() != seed_size) return fail(Errc::malformed, "the ssh authority's key has not 32 bytes");
  const openssl::Key key = private_key(seed.view());
  FixedBytes<32> point{};
  std::size_t size = point.size();
  if (key == nullptr || EVP_PKEY_get_raw_public_key(key.get(), openssl::writable(point), &size) != 1 ||
      size != point.size()) {
    return openssl::failure("cannot use the ssh authority's key");
  }
  Writer blob;
  blob.be32(ed25519.size()).raw(as_bytes(ed25519)).be32(point.size()).raw(point);
  return SshAuthority(std::move(seed), {std::string(ed25519), blob.take()});
}

Result<SshPublicKey> SshAuthority::sign(SshHostCertificate certificate) const {
  certificate.authority = public_;
  ATTESTD_TRY(const Bytes nonce, random_bytes(nonce_size));
  ATTESTD_TRY(const Bytes body, encode_ssh_host_certificate(certificate, nonce));
  const openssl::Key key = private_key(seed_.view());
  const openssl::DigestContext context(EVP_MD_CTX_new());
  Bytes signature(signature_size);
  std::size_t size = signature.size();
  if (key == nullptr || context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), openssl::writable(signature), &size, openssl::data(body), body.size()) != 1 ||
      size != signature.size()) {
    return openssl::failure("cannot sign a host certificate");
  }
  return signed_ssh_host_certificate(certificate, body, signature);
}

}  // namespace attestd::broker
