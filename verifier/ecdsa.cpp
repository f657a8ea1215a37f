#include "verifier/ecdsa_internal.h"

namespace attestd::openssl {

Bytes ecdsa_der(ByteView r, ByteView s) {
  Number r_number(BN_bin2bn(openssl::data(r), static_cast<int>(r.size()), nullptr));
  Number s_number(BN_bin2bn(openssl::data(s), static_cast<int>(s.size()), nullptr));
  const Signature signature(ECDSA_SIG_new());
  if (r_number == nullptr || s_number == nullptr || signature == nullptr) return {};
  if (ECDSA_SIG_set0(signature.get(), r_number.get(), s_number.get()) != 1) return {};
  [[maybe_unused]] BIGNUM* const owned_r = r_number.release();  // the signature owns both now
  [[maybe_unused]] BIGNUM* const owned_s = s_number.release();
  return to_der(i2d_ECDSA_SIG, signature.get());
}

bool ecdsa_verifies(EVP_PKEY* key, const EVP_MD* hash, ByteView message, ByteView signature) {
  const std::size_t half = signature.size() / 2;
  const Bytes der = ecdsa_der(signature.first(half), signature.subspan(half));
  const DigestContext context(EVP_MD_CTX_new());
  const bool good =
      !der.empty() && context != nullptr && EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), openssl::data(der), der.size(), openssl::data(message), message.size()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace attestd::openssl
