#include "jose/ecdsa_internal.h"

namespace attestd::jws {
namespace {

using openssl::DigestContext;
using openssl::Number;
using openssl::Signature;

constexpr std::size_t half = es256_size / 2;

}  // namespace

Result<Bytes> es256_sign(EVP_PKEY* key, ByteView message) {
  const DigestContext context(EVP_MD_CTX_new());
  Bytes der(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  std::size_t size = der.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), openssl::writable(der), &size, openssl::data(message), message.size()) != 1) {
    return openssl::failure("OpenSSL does not sign");
  }
  const unsigned char* cursor = openssl::data(der);
  const Signature signature(d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(size)));
  Bytes out(es256_size);
  if (!signature ||
      BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), openssl::writable(out), static_cast<int>(half)) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), openssl::writable(std::span(out).subspan(half)),
                   static_cast<int>(half)) < 0) {
    return openssl::failure("OpenSSL gives no ES256 signature");
  }
  return out;
}

bool es256_verifies(EVP_PKEY* key, ByteView message, ByteView signature) {
  if (signature.size() != es256_size) return false;
  const Signature parts(ECDSA_SIG_new());
  Number r(BN_bin2bn(openssl::data(signature), static_cast<int>(half), nullptr));
  Number s(BN_bin2bn(openssl::data(signature.subspan(half)), static_cast<int>(half), nullptr));
  if (!parts || !r || !s || ECDSA_SIG_set0(parts.get(), r.get(), s.get()) != 1) return false;
  [[maybe_unused]] BIGNUM* const owned_r = r.release();  // the signature owns both now
  [[maybe_unused]] BIGNUM* const owned_s = s.release();
  const Bytes der = openssl::to_der(i2d_ECDSA_SIG, parts.get());
  const DigestContext context(EVP_MD_CTX_new());
  const bool good =
      !der.empty() && context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), openssl::data(der), der.size(), openssl::data(message), message.size()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace attestd::jws
