#include "tests/verifier/software_ak.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <array>
#include <stdexcept>

#include "evidence/digest.h"
#include "evidence/tpm_attest.h"

namespace attestd::test {
namespace {

constexpr std::size_t p256_size = 32;
constexpr std::size_t rsa_size = 256;
constexpr std::uint16_t tpm_alg_rsa = 0x0001;
constexpr std::uint16_t tpm_alg_rsassa = 0x0014;
constexpr std::uint16_t tpm_alg_ecc = 0x0023;
constexpr std::uint16_t tpm_alg_null = 0x0010;
constexpr std::uint16_t tpm_alg_ecdsa = 0x0018;
constexpr std::uint16_t tpm_ecc_nist_p256 = 0x0003;
constexpr auto sha256_id = static_cast<std::uint16_t>(HashAlgorithm::sha256);

void require(bool good) {
  if (!good) throw std::runtime_error("OpenSSL failed in a test");
}

struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct ContextDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct SignatureDeleter {
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};

Bytes big_endian(const BIGNUM* number, std::size_t size = p256_size) {
  Bytes out(size);
  require(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size())) > 0);
  return out;
}

Bytes coordinate(const EVP_PKEY* key, const char* name, std::size_t bytes = p256_size) {
  BIGNUM* number = nullptr;
  require(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  Bytes out = big_endian(number, bytes);
  BN_free(number);
  return out;
}

// A TPM2B: its size, then its contents.
void sized(Writer& writer, ByteView bytes) { writer.be16(static_cast<std::uint16_t>(bytes.size())).raw(bytes); }

}  // namespace

struct SoftwareAk::Key {
  std::unique_ptr<EVP_PKEY, KeyDeleter> value;
};

SoftwareAk::SoftwareAk(Kind kind) : key_(std::make_unique<Key>()) {
  const bool rsa = kind == Kind::rsa;
  key_->value.reset(rsa ? EVP_RSA_gen(rsa_size * 8) : EVP_EC_gen("P-256"));
  require(key_->value != nullptr);
  Writer writer;
  writer.be16(rsa ? tpm_alg_rsa : tpm_alg_ecc).be16(sha256_id);
  writer.be32(TpmPublic::fixed_tpm | TpmPublic::fixed_parent | TpmPublic::sensitive_data_origin |
              TpmPublic::restricted | TpmPublic::sign);
  sized(writer, {});
  if (rsa) {
    writer.be16(tpm_alg_null).be16(tpm_alg_rsassa).be16(sha256_id).be16(rsa_size * 8).be32(0);
    sized(writer, modulus());
    public_area_ = writer.take();
    return;
  }
  writer.be16(tpm_alg_null).be16(tpm_alg_ecdsa).be16(sha256_id).be16(tpm_ecc_nist_p256).be16(tpm_alg_null);
  sized(writer, coordinate(key_->value.get(), OSSL_PKEY_PARAM_EC_PUB_X));
  sized(writer, coordinate(key_->value.get(), OSSL_PKEY_PARAM_EC_PUB_Y));
  public_area_ = writer.take();
}

SoftwareAk::SoftwareAk(SoftwareAk&&) noexcept = default;
SoftwareAk& SoftwareAk::operator=(SoftwareAk&&) noexcept = default;
SoftwareAk::~SoftwareAk() = default;

Bytes SoftwareAk::modulus() const { return coordinate(key_->value.get(), OSSL_PKEY_PARAM_RSA_N, rsa_size); }

Bytes SoftwareAk::name() const {
  Writer writer;
  writer.be16(sha256_id).raw(digest(HashAlgorithm::sha256, {public_area_}));
  return writer.take();
}

TpmEvidence SoftwareAk::quote(const Bytes& extra_data, const PcrValues& pcrs) const {
  std::vector<PcrSelection> selection;
  for (const auto& [bank, values] : pcrs) {
    PcrSelection one{bank, {}};
    for (const auto& [index, value] : values) one.indices.push_back(index);
    selection.push_back(one);
  }
  Writer attest;
  attest.be32(tpm_generated_value).be16(tpm_st_attest_quote);
  sized(attest, name());
  sized(attest, extra_data);
  attest.be64(123456).be32(7).be32(1).u8(1).be64(0x20240125);
  attest.be32(static_cast<std::uint32_t>(selection.size()));
  for (const PcrSelection& one : selection) {
    std::uint32_t bits = 0;
    for (const unsigned index : one.indices) bits |= 1U << index;
    attest.be16(static_cast<std::uint16_t>(one.bank)).u8(3);
    for (unsigned i = 0; i < 3; ++i) attest.u8(static_cast<std::uint8_t>(bits >> (8 * i)));
  }
  sized(attest, pcr_composite(HashAlgorithm::sha256, selection, pcrs).value());

  const std::unique_ptr<EVP_MD_CTX, ContextDeleter> context(EVP_MD_CTX_new());
  require(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->value.get()) == 1);
  std::array<unsigned char, rsa_size> der{};
  std::size_t size = der.size();
  require(EVP_DigestSign(context.get(), der.data(), &size,
                         reinterpret_cast<const unsigned char*>(attest.bytes().data()), attest.bytes().size()) == 1);
  Writer signature;
  if (EVP_PKEY_is_a(key_->value.get(), "RSA") == 1) {
    signature.be16(tpm_alg_rsassa).be16(sha256_id);
    sized(signature, std::as_bytes(std::span(der).first(size)));
    return {attest.take(), signature.take(), public_area_, {}, pcrs};
  }
  const unsigned char* at = der.data();
  const std::unique_ptr<ECDSA_SIG, SignatureDeleter> parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  require(parsed != nullptr);
  signature.be16(tpm_alg_ecdsa).be16(sha256_id);
  sized(signature, big_endian(ECDSA_SIG_get0_r(parsed.get())));
  sized(signature, big_endian(ECDSA_SIG_get0_s(parsed.get())));
  return {attest.take(), signature.take(), public_area_, {}, pcrs};
}

}  // namespace attestd::test
