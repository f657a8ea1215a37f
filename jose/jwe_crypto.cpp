#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <array>
#include <string>

#include "jose/jwe_crypto_internal.h"

namespace attestd::jwe {
namespace {

using openssl::KeyContext;
using CipherContext = openssl::Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;  // both wipe what they free
using Kdf = openssl::Handle<EVP_KDF, EVP_KDF_free>;
using KdfContext = openssl::Handle<EVP_KDF_CTX, EVP_KDF_CTX_free>;

constexpr std::size_t wrap_overhead = 8;  // RFC 3394 section 2.2.3, the initial value

// All failures of what a key opens are this one.
std::unexpected<Error> mismatch() {
  ERR_clear_error();
  return fail(Errc::mismatch, "the JWE is not for this key, or it was altered");
}

const EVP_CIPHER* wrap_cipher(std::size_t key_size) {
  switch (key_size) {
    case 16: return EVP_aes_128_wrap();
    case 24: return EVP_aes_192_wrap();
    case 32: return EVP_aes_256_wrap();
    default: return nullptr;
  }
}

const EVP_CIPHER* gcm_cipher(std::size_t key_size) {
  switch (key_size) {
    case 16: return EVP_aes_128_gcm();
    case 24: return EVP_aes_192_gcm();
    case 32: return EVP_aes_256_gcm();
    default: return nullptr;
  }
}

int length(ByteView bytes) { return static_cast<int>(bytes.size()); }

// `to` is as long as `from`; OpenSSL takes a null pointer for additional data.
bool update(EVP_CIPHER_CTX* context, std::span<std::byte> to, ByteView from) {
  int written = 0;
  return from.empty() ||
         (EVP_CipherUpdate(context, openssl::writable(to), &written, openssl::data(from), length(from)) == 1 &&
          written == length(from));
}
bool authenticate(EVP_CIPHER_CTX* context, std::string_view aad) {
  int written = 0;
  const ByteView bytes = as_bytes(aad);
  return bytes.empty() || EVP_CipherUpdate(context, nullptr, &written, openssl::data(bytes), length(bytes)) == 1;
}

// With SHA-256 in both places: RFC 7518 section 4.3.
bool set_oaep(EVP_PKEY_CTX* context) {
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1;
}

}  // namespace

std::unexpected<Error> refuse_rsa1_5() {
  return fail(Errc::refused,
              "RSA1_5 is refused: whoever can send many texts to be decrypted can decrypt others "
              "(RFC 8725 section 3.2); use RSA-OAEP-256");
}

Result<SecretBytes> random_key(std::size_t size) {
  ATTESTD_TRY(SecretBytes out, SecretBytes::make(size));
  if (RAND_priv_bytes(openssl::writable(out.writable()), static_cast<int>(size)) != 1) {
    return openssl::failure("there are no random bytes");
  }
  return out;
}

Result<SecretBytes> agree(EVP_PKEY* own, EVP_PKEY* peer) {
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, own, nullptr));
  std::size_t size = 0;
  if (!context || EVP_PKEY_derive_init(context.get()) != 1 || EVP_PKEY_derive_set_peer(context.get(), peer) != 1 ||
      EVP_PKEY_derive(context.get(), nullptr, &size) != 1) {
    return openssl::failure("the keys do not agree");
  }
  ATTESTD_TRY(SecretBytes out, SecretBytes::make(size));
  if (EVP_PKEY_derive(context.get(), openssl::writable(out.writable()), &size) != 1) {
    return openssl::failure("the keys do not agree");
  }
  out.shrink(size);
  return out;
}

Result<SecretBytes> concat_kdf(ByteView z, std::string_view algorithm, ByteView apu, ByteView apv, std::size_t size) {
  Writer other_info;
  for (const ByteView field : {as_bytes(algorithm), apu, apv}) {
    other_info.be32(static_cast<std::uint32_t>(field.size())).raw(field);
  }
  other_info.be32(static_cast<std::uint32_t>(size * 8));
  const Bytes info = other_info.take();
  std::string hash = "SHA-256";  // OpenSSL's parameters are not const, but it does not write to these
  const std::array params{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<std::byte*>(z.data()), z.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<std::byte*>(info.data()), info.size()),
      OSSL_PARAM_construct_end(),
  };
  // SP 800-56C's one-step derivation is what SP 800-56A called the concatenation KDF.
  const Kdf kdf(EVP_KDF_fetch(nullptr, "SSKDF", nullptr));
  const KdfContext context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  ATTESTD_TRY(SecretBytes out, SecretBytes::make(size));
  if (!context || EVP_KDF_derive(context.get(), openssl::writable(out.writable()), size, params.data()) != 1) {
    return openssl::failure("OpenSSL does not derive a key");
  }
  return out;
}

Result<Bytes> wrap_key(ByteView wrapping_key, ByteView key) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  if (!context) return openssl::failure("out of memory");
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  Bytes out(key.size() + wrap_overhead);
  int written = 0;
  if (EVP_EncryptInit_ex(context.get(), wrap_cipher(wrapping_key.size()), nullptr, openssl::data(wrapping_key),
                         nullptr) != 1 ||
      EVP_EncryptUpdate(context.get(), openssl::writable(out), &written, openssl::data(key), length(key)) != 1 ||
      static_cast<std::size_t>(written) != out.size()) {
    return openssl::failure("OpenSSL does not wrap the key");
  }
  return out;
}

Result<SecretBytes> unwrap_key(ByteView wrapping_key, ByteView wrapped) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  if (!context) return openssl::failure("out of memory");
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  ATTESTD_TRY(SecretBytes out, SecretBytes::make(wrapped.size()));
  int written = 0;
  if (EVP_DecryptInit_ex(context.get(), wrap_cipher(wrapping_key.size()), nullptr, openssl::data(wrapping_key),
                         nullptr) != 1 ||
      EVP_DecryptUpdate(context.get(), openssl::writable(out.writable()), &written, openssl::data(wrapped),
                        length(wrapped)) != 1 ||
      written <= 0) {
    return mismatch();
  }
  out.shrink(static_cast<std::size_t>(written));
  return out;
}

Result<Bytes> oaep_encrypt(EVP_PKEY* key, ByteView message) {
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  std::size_t size = out.size();
  if (!context || EVP_PKEY_encrypt_init(context.get()) != 1 || !set_oaep(context.get()) ||
      EVP_PKEY_encrypt(context.get(), openssl::writable(out), &size, openssl::data(message), message.size()) != 1) {
    return openssl::failure("OpenSSL does not encrypt to the RSA key");
  }
  out.resize(size);
  return out;
}

Result<SecretBytes> oaep_decrypt(EVP_PKEY* key, ByteView encrypted) {
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!context || EVP_PKEY_decrypt_init(context.get()) != 1 || !set_oaep(context.get())) {
    return openssl::failure("OpenSSL does not decrypt with the RSA key");
  }
  ATTESTD_TRY(SecretBytes out, SecretBytes::make(static_cast<std::size_t>(EVP_PKEY_get_size(key))));
  std::size_t size = out.size();
  if (EVP_PKEY_decrypt(context.get(), openssl::writable(out.writable()), &size, openssl::data(encrypted),
                       encrypted.size()) != 1) {
    return mismatch();
  }
  out.shrink(size);
  return out;
}

Result<Sealed> seal(ByteView key, std::string_view aad, ByteView plaintext) {
  Sealed out{Bytes(iv_size), Bytes(plaintext.size()), Bytes(tag_size)};
  const CipherContext context(EVP_CIPHER_CTX_new());
  int written = 0;
  unsigned char nothing = 0;  // GCM ends without more output
  if (!context || RAND_bytes(openssl::writable(out.iv), static_cast<int>(iv_size)) != 1 ||
      EVP_EncryptInit_ex(context.get(), gcm_cipher(key.size()), nullptr, openssl::data(key), openssl::data(out.iv)) !=
          1 ||
      !authenticate(context.get(), aad) || !update(context.get(), out.ciphertext, plaintext) ||
      EVP_EncryptFinal_ex(context.get(), &nothing, &written) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag_size), out.tag.data()) != 1) {
    return openssl::failure("OpenSSL does not encrypt");
  }
  return out;
}

Result<SecretBytes> open(ByteView key, std::string_view aad, const Sealed& sealed) {
  // OpenSSL would take a tag of one byte.
  if (sealed.iv.size() != iv_size || sealed.tag.size() != tag_size) return mismatch();
  ATTESTD_TRY(SecretBytes out, SecretBytes::make(sealed.ciphertext.size()));
  const CipherContext context(EVP_CIPHER_CTX_new());
  if (!context) return openssl::failure("out of memory");
  Bytes tag = sealed.tag;  // OpenSSL's parameter is not const
  int written = 0;
  unsigned char nothing = 0;
  if (EVP_DecryptInit_ex(context.get(), gcm_cipher(key.size()), nullptr, openssl::data(key),
                         openssl::data(sealed.iv)) != 1 ||
      !authenticate(context.get(), aad) || !update(context.get(), out.writable(), sealed.ciphertext) ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, length(tag), tag.data()) != 1 ||
      EVP_DecryptFinal_ex(context.get(), &nothing, &written) != 1) {
    return mismatch();
  }
  return out;
}

}  // namespace attestd::jwe
