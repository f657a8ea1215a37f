#include "tests/verifier/tpm_public_of.h"

#include <openssl/core_names.h>

#include <stdexcept>

#include "verifier/x509_internal.h"

namespace attestd::test {

TpmPublic tpm_public_of(ByteView der) {
  const openssl::Certificate certificate = x509::parse_certificate(der).value();
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(X509_get0_pubkey(certificate.get()), OSSL_PKEY_PARAM_RSA_N, &raw) != 1) {
    throw std::runtime_error("this certificate is not of an RSA key");
  }
  const openssl::Number modulus(raw);
  Bytes digits(static_cast<std::size_t>(BN_num_bytes(modulus.get())));
  BN_bn2bin(modulus.get(), openssl::writable(digits));
  Writer area;
  area.be16(0x0001).be16(0x000b);
  area.be32(TpmPublic::fixed_tpm | TpmPublic::fixed_parent | TpmPublic::sensitive_data_origin | TpmPublic::restricted |
            TpmPublic::sign);
  area.be16(0).be16(0x0010).be16(0x0014).be16(0x000b).be16(2048).be32(0);
  area.be16(static_cast<std::uint16_t>(digits.size())).raw(digits);
  return parse_tpm_public(area.bytes()).value();
}

}  // namespace attestd::test
