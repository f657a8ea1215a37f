#include "verifier/credential.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <array>
#include <stdexcept>

#include "verifier/tpm_key_internal.h"

namespace attestd {
namespace {

using CipherContext = openssl::Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

constexpr std::size_t seed_size = 32;  // of SHA-256, the endorsement key's name algorithm
constexpr std::size_t aes_key_size = 16;
constexpr std::uint16_t rsa_bits = 2048;
constexpr std::string_view identity_label("IDENTITY\0", 9);  // its final zero counts

Bytes hmac_sha256(ByteView key, ByteView message) {
  Bytes out(seed_size);
  unsigned size = 0;
  // OpenSSL takes no null key, even an empty one.
  const unsigned char nothing = 0;
  const unsigned char* const used = key.empty() ? &nothing : openssl::data(key);
  if (HMAC(EVP_sha256(), used, static_cast<int>(key.size()), openssl::data(message), message.size(),
           openssl::writable(out), &size) == nullptr ||
      size != out.size()) {
    throw std::runtime_error("OpenSSL cannot compute HMAC-SHA256");
  }
  return out;
}

// Part 1 section 11.4.10.2, KDFa; one block of SHA-256 is enough for both uses.
Bytes kdfa(ByteView key, std::string_view label, ByteView context, std::uint32_t bits) {
  Writer message;
  message.be32(1).raw(as_bytes(label)).u8(0).raw(context).be32(bits);
  Bytes out = hmac_sha256(key, message.bytes());
  out.resize(bits / 8);
  return out;
}

Result<Bytes> encrypt_cfb(ByteView key, ByteView plain) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  const std::array<unsigned char, aes_key_size> iv{};
  Bytes out(plain.size());
  int size = 0;
  if (!context || key.size() != aes_key_size ||
      EVP_EncryptInit_ex(context.get(), EVP_aes_128_cfb128(), nullptr, openssl::data(key), iv.data()) != 1 ||
      EVP_EncryptUpdate(context.get(), openssl::writable(out), &size, openssl::data(plain),
                        static_cast<int>(plain.size())) != 1 ||
      static_cast<std::size_t>(size) != out.size()) {
    return openssl::failure("cannot encrypt a credential");
  }
  return out;
}

// Part 1 annex B.10.4: OAEP by the key's name algorithm, label "IDENTITY".
Result<Bytes> encrypt_seed(EVP_PKEY* key, ByteView seed) {
  const openssl::KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!context || EVP_PKEY_encrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) != 1 ||
      EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), EVP_sha256()) != 1 ||
      EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), EVP_sha256()) != 1) {
    return openssl::failure("cannot encrypt for the endorsement key");
  }
  void* const label = OPENSSL_memdup(identity_label.data(), identity_label.size());
  if (label == nullptr ||
      EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), label, static_cast<int>(identity_label.size())) != 1) {
    OPENSSL_free(label);
    return openssl::failure("cannot encrypt for the endorsement key");
  }
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  std::size_t size = out.size();
  if (EVP_PKEY_encrypt(context.get(), openssl::writable(out), &size, openssl::data(seed), seed.size()) != 1) {
    return openssl::failure("cannot encrypt for the endorsement key");
  }
  out.resize(size);
  return out;
}

struct WipedBytes {
  Bytes bytes;
  ~WipedBytes() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

}  // namespace

Result<Credential> make_credential(const TpmPublic& endorsement_key, ByteView attestation_key_name, ByteView secret) {
  if (endorsement_key.type != TpmPublic::Type::rsa || endorsement_key.rsa_bits != rsa_bits ||
      endorsement_key.name_algorithm != HashAlgorithm::sha256) {
    return fail(Errc::unsupported, "credentials are made for RSA-2048 endorsement keys with SHA-256 only");
  }
  if (secret.empty() || secret.size() > seed_size) return fail(Errc::usage, "a credential's secret has 1 to 32 bytes");
  ATTESTD_TRY(const TpmKey key, tpm_key(endorsement_key));
  WipedBytes seed{Bytes(seed_size)};
  if (RAND_bytes(openssl::writable(seed.bytes), static_cast<int>(seed.bytes.size())) != 1) {
    return openssl::failure("OpenSSL gives no random bytes");
  }
  const WipedBytes cipher_key{kdfa(seed.bytes, "STORAGE", attestation_key_name, aes_key_size * 8)};
  const WipedBytes mac_key{kdfa(seed.bytes, "INTEGRITY", {}, seed_size * 8)};
  WipedBytes plain{Writer().be16(static_cast<std::uint16_t>(secret.size())).raw(secret).take()};
  ATTESTD_TRY(const Bytes encrypted, encrypt_cfb(cipher_key.bytes, plain.bytes));
  const Bytes mac = hmac_sha256(mac_key.bytes, Writer().raw(encrypted).raw(attestation_key_name).bytes());
  Credential out;
  out.blob = Writer().be16(static_cast<std::uint16_t>(mac.size())).raw(mac).raw(encrypted).take();
  ATTESTD_TRY(out.encrypted_secret, encrypt_seed(key.get(), seed.bytes));
  return out;
}

Bytes activation_secret(ByteView seed, ByteView endorsement_key_name, ByteView attestation_key_name) {
  Writer message;
  message.raw(as_bytes("attestd activation 1"));
  for (const ByteView name : {endorsement_key_name, attestation_key_name}) {
    message.be16(static_cast<std::uint16_t>(name.size())).raw(name);
  }
  return hmac_sha256(seed, message.bytes());
}

}  // namespace attestd
