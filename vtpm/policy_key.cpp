#include "vtpm/policy_key.h"

#include <openssl/core_names.h>

#include <algorithm>

#include "base/openssl_internal.h"

namespace attestd::vtpm {
namespace {

// Part 2, 6.3, 6.4 and 8.3.
constexpr std::uint16_t alg_rsa = 0x0001;
constexpr std::uint16_t alg_ecc = 0x0023;
constexpr std::uint16_t alg_sha256 = 0x000b;
constexpr std::uint16_t alg_null = 0x0010;
constexpr std::uint16_t curve_p256 = 0x0003;
// userWithAuth, decrypt, sign: systemd 252, src/shared/tpm2-util.c, has these, and they are in the name.
constexpr std::uint32_t attributes = 1U << 6U | 1U << 17U | 1U << 18U;
constexpr std::size_t number_size = 32;  // P-256
constexpr int small_rsa = 2048;
constexpr int large_rsa = 3072;
constexpr std::size_t pem_limit = 8192;

openssl::Key read_public(std::string_view pem) {
  const openssl::Stream stream(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return openssl::Key(stream ? PEM_read_bio_PUBKEY(stream.get(), nullptr, nullptr, nullptr) : nullptr);
}

// No password is asked for, whoever is at the console.
int no_password(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return -1; }

Result<openssl::Key> read_private(const SecretBytes& pem) {
  const openssl::Stream stream(BIO_new_mem_buf(pem.view().data(), static_cast<int>(pem.size())));
  openssl::Key key(stream ? PEM_read_bio_PrivateKey(stream.get(), nullptr, no_password, nullptr) : nullptr);
  ERR_clear_error();
  if (!key) return fail(Errc::malformed, "the owner's private key is not in PEM, or is encrypted");
  return key;
}

Result<Bytes> number(const EVP_PKEY* key, const char* name, std::size_t size) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return openssl::failure("cannot read the policy key");
  const openssl::Number value(raw);
  Bytes out(size);
  if (BN_bn2binpad(value.get(), openssl::writable(out), static_cast<int>(size)) < 0) {
    return openssl::failure("cannot read the policy key");
  }
  return out;
}

bool is_p256(const EVP_PKEY* key) {
  std::array<char, 32> name{};
  std::size_t size = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) == 1 &&
         OBJ_txt2nid(name.data()) == NID_X9_62_prime256v1;
}

// TPMT_PUBLIC, part 2, 12.2.4.
Result<Bytes> public_area_of(const EVP_PKEY* key) {
  Writer out;
  if (EVP_PKEY_is_a(key, "RSA") == 1) {
    const int bits = EVP_PKEY_get_bits(key);
    if (bits != small_rsa && bits != large_rsa) {
      return fail(Errc::unsupported, "the policy key is RSA of " + std::to_string(bits) + " bits, not 2048 or 3072");
    }
    const auto size = static_cast<std::size_t>(bits) / 8;
    ATTESTD_TRY(const Bytes modulus, number(key, OSSL_PKEY_PARAM_RSA_N, size));
    ATTESTD_TRY(const Bytes exponent, number(key, OSSL_PKEY_PARAM_RSA_E, sizeof(std::uint32_t)));
    out.be16(alg_rsa).be16(alg_sha256).be32(attributes).be16(0).be16(alg_null).be16(alg_null);
    out.be16(static_cast<std::uint16_t>(bits)).raw(exponent);
    return out.be16(static_cast<std::uint16_t>(size)).raw(modulus).take();
  }
  if (!is_p256(key)) return fail(Errc::unsupported, "the policy key is neither RSA nor on the curve P-256");
  ATTESTD_TRY(const Bytes x, number(key, OSSL_PKEY_PARAM_EC_PUB_X, number_size));
  ATTESTD_TRY(const Bytes y, number(key, OSSL_PKEY_PARAM_EC_PUB_Y, number_size));
  out.be16(alg_ecc).be16(alg_sha256).be32(attributes).be16(0).be16(alg_null).be16(alg_null);
  out.be16(curve_p256).be16(alg_null).be16(number_size).raw(x).be16(number_size).raw(y);
  return out.take();
}

Digest sha256(ByteView bytes) {
  Digest out;
  std::ranges::copy(digest(HashAlgorithm::sha256, {bytes}), out.begin());
  return out;
}

}  // namespace

Result<PolicyKey> read_policy_key(std::string_view pem) {
  if (pem.size() > pem_limit) return fail(Errc::out_of_range, "the policy key has over 8192 bytes");
  const openssl::Key key = read_public(pem);
  ERR_clear_error();
  if (!key) return fail(Errc::malformed, "the policy key is not a public key in PEM");
  PolicyKey out;
  out.der = openssl::to_der<EVP_PKEY>(i2d_PUBKEY, key.get());
  if (out.der.empty()) return openssl::failure("cannot encode the policy key");
  const Bytes bare = openssl::to_der<EVP_PKEY>(i2d_PublicKey, key.get());
  if (bare.empty()) return openssl::failure("cannot encode the policy key");
  out.fingerprint = sha256(bare);
  ATTESTD_TRY(out.public_area, public_area_of(key.get()));
  out.name = Writer().be16(alg_sha256).raw(sha256(out.public_area)).take();
  return out;
}

Result<Bytes> sign_with(const SecretBytes& private_pem, ByteView message) {
  ATTESTD_TRY(const openssl::Key key, read_private(private_pem));
  ATTESTD_CHECK(public_area_of(key.get()));
  const openssl::DigestContext context(EVP_MD_CTX_new());
  std::size_t size = 0;
  if (!context || EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, openssl::data(message), message.size()) != 1) {
    return openssl::failure("cannot sign a PCR policy");
  }
  Bytes out(size);
  if (EVP_DigestSign(context.get(), openssl::writable(out), &size, openssl::data(message), message.size()) != 1) {
    return openssl::failure("cannot sign a PCR policy");
  }
  out.resize(size);
  return out;
}

Result<std::string> public_half(const SecretBytes& private_pem) {
  ATTESTD_TRY(const openssl::Key key, read_private(private_pem));
  const openssl::Stream stream(BIO_new(BIO_s_mem()));
  char* data = nullptr;
  if (!stream || PEM_write_bio_PUBKEY(stream.get(), key.get()) != 1) {
    return openssl::failure("cannot encode the policy key");
  }
  const long size = BIO_get_mem_data(stream.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Result<void> check_signature(const PolicyKey& key, ByteView message, ByteView signature) {
  const unsigned char* cursor = openssl::data(key.der);
  const openssl::Key handle(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(key.der.size())));
  const openssl::DigestContext context(EVP_MD_CTX_new());
  if (!handle || !context || EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, handle.get()) != 1) {
    return openssl::failure("cannot use the policy key");
  }
  const int verified = EVP_DigestVerify(context.get(), openssl::data(signature), signature.size(),
                                        openssl::data(message), message.size());
  ERR_clear_error();
  if (verified != 1) return fail(Errc::refused, "the PCR policy's signature is not by the policy key");
  return {};
}

Result<EcdsaNumbers> ecdsa_numbers(ByteView der) {
  const unsigned char* cursor = openssl::data(der);
  const openssl::Signature signature(d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(der.size())));
  ERR_clear_error();
  EcdsaNumbers out;
  if (!signature || cursor != openssl::data(der) + der.size() ||
      BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), openssl::writable(out.r), number_size) < 0 ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), openssl::writable(out.s), number_size) < 0) {
    return fail(Errc::malformed, "the PCR policy's signature is no ECDSA signature");
  }
  return out;
}

bool is_rsa(const PolicyKey& key) {
  return key.public_area.size() > 2 && key.public_area[1] == static_cast<std::byte>(alg_rsa);
}

}  // namespace attestd::vtpm
