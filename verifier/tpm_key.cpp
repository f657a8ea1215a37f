#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <string>

#include "base/openssl_internal.h"
#include "verifier/ecdsa_internal.h"
#include "verifier/tpm_key_internal.h"

namespace attestd {
namespace {

using openssl::DigestContext;
using openssl::KeyContext;
using openssl::Number;
using ParamBuilder = openssl::Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = openssl::Handle<OSSL_PARAM, OSSL_PARAM_free>;

constexpr int min_rsa_bits = 2048;

Number number(ByteView bytes) {
  return Number(BN_bin2bn(openssl::data(bytes), static_cast<int>(bytes.size()), nullptr));
}

Result<TpmKey> from_params(const char* algorithm, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
  EVP_PKEY* raw = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return openssl::failure("OpenSSL does not take the attestation key");
  }
  return TpmKey(raw);
}

Result<TpmKey> check_key(TpmKey key) {
  const bool rsa = EVP_PKEY_is_a(key.get(), "RSA") == 1;
  if (!rsa && EVP_PKEY_is_a(key.get(), "EC") != 1) {
    return fail(Errc::unsupported, "the attestation key is neither RSA nor ECC");
  }
  if (rsa && EVP_PKEY_get_bits(key.get()) < min_rsa_bits) {
    return fail(Errc::unsupported, "the attestation key is RSA of under 2048 bits");
  }
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (!context || EVP_PKEY_public_check(context.get()) != 1) {
    return openssl::failure("the attestation key is not a valid public key");
  }
  return key;
}

const char* group_name(std::uint16_t curve) {
  // Part 2 section 6.4 (TPM_ECC_CURVE).
  switch (curve) {
    case 3: return "P-256";
    case 4: return "P-384";
    case 5: return "P-521";
    default: return nullptr;
  }
}

// SEC 1 section 2.3.3, uncompressed: both coordinates at the field's full size,
// whatever leading zeros the TPM dropped.
Result<Bytes> encode_point(const TpmPublic& area) {
  const std::size_t size = area.curve == 3 ? 32 : area.curve == 4 ? 48 : 66;
  Writer out;
  out.u8(4);
  for (const Bytes* coordinate : {&area.x, &area.y}) {
    if (coordinate->size() > size) return fail(Errc::malformed, "ECC coordinate is longer than its field");
    out.zeros(size - coordinate->size()).raw(*coordinate);
  }
  return out.take();
}

const EVP_MD* message_digest(HashAlgorithm hash) {
  switch (hash) {
    case HashAlgorithm::sha256: return EVP_sha256();
    case HashAlgorithm::sha384: return EVP_sha384();
    case HashAlgorithm::sha512: return EVP_sha512();
    // SHA-1 collisions are affordable, and SM3 comes with SM2, which we do not have.
    case HashAlgorithm::sha1:
    case HashAlgorithm::sm3_256: return nullptr;
  }
  return nullptr;
}

}  // namespace

Result<TpmKey> tpm_key(const TpmPublic& area) {
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder) return openssl::failure("out of memory");
  if (area.type == TpmPublic::Type::rsa) {
    const Number modulus = number(area.rsa_modulus);
    if (!modulus || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_uint64(builder.get(), OSSL_PKEY_PARAM_RSA_E, area.rsa_exponent) != 1) {
      return openssl::failure("OpenSSL does not take the RSA key");
    }
    ATTESTD_TRY(TpmKey key, from_params("RSA", builder.get()));
    return check_key(std::move(key));
  }
  const char* const group = group_name(area.curve);
  if (group == nullptr) return fail(Errc::unsupported, "ECC curve " + std::to_string(area.curve));
  ATTESTD_TRY(const Bytes point, encode_point(area));
  if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return openssl::failure("OpenSSL does not take the ECC key");
  }
  ATTESTD_TRY(TpmKey key, from_params("EC", builder.get()));
  return check_key(std::move(key));
}

Result<TpmKey> tpm_key_from_pem(ByteView pem) {
  const openssl::Stream bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(std::min<std::size_t>(pem.size(), 1U << 20U))));
  if (!bio) return openssl::failure("out of memory");
  TpmKey key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (!key) return openssl::failure("the attestation key is not a PEM public key");
  return check_key(std::move(key));
}

Result<void> verify_tpm_signature(EVP_PKEY* key, const TpmSignature& signature, ByteView message) {
  const bool ecdsa = signature.scheme == TpmSignature::Scheme::ecdsa;
  if (EVP_PKEY_is_a(key, ecdsa ? "EC" : "RSA") != 1) {
    return fail(Errc::unsupported, "the signature's scheme is not one of the attestation key's type");
  }
  const EVP_MD* const hash = message_digest(signature.hash);
  if (hash == nullptr) {
    return fail(Errc::unsupported, "signatures with " + std::string(hash_name(signature.hash)) + " are not accepted");
  }
  Bytes encoded = signature.rsa;
  if (ecdsa) {
    encoded = openssl::ecdsa_der(signature.r, signature.s);
    if (encoded.empty()) return openssl::failure("OpenSSL does not take the signature");
  }
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;  // belongs to `context`
  bool good = context && EVP_DigestVerifyInit(context.get(), &parameters, hash, nullptr, key) == 1;
  if (signature.scheme == TpmSignature::Scheme::rsapss) {
    // Part 1 annex B.7: the salt is as long as the digest in FIPS mode, else as long as
    // fits: both must pass, so take the length from the signature.
    good = good && EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_AUTO) == 1;
  }
  if (!good) return openssl::failure("OpenSSL cannot verify with this key");
  if (EVP_DigestVerify(context.get(), openssl::data(encoded), encoded.size(), openssl::data(message), message.size()) !=
      1) {
    ERR_clear_error();
    return fail(Errc::mismatch, "the signature is not of this quote by this key");
  }
  return {};
}

}  // namespace attestd
