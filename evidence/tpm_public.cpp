#include <string>

#include "evidence/tpm_attest.h"
#include "evidence/tpm_wire_internal.h"

namespace attestd {
namespace {

constexpr std::uint16_t alg_null = 0x0010;   // TPM_ALG_NULL
constexpr std::uint16_t alg_rsaes = 0x0015;  // TPM_ALG_RSAES, the scheme without a hash
constexpr std::uint16_t alg_ecdaa = 0x001a;  // TPM_ALG_ECDAA, the scheme with a counter after its hash
constexpr std::uint32_t default_exponent = 65537;

// TPMT_SYM_DEF_OBJECT (part 2 section 11.1.7): NULL in signing keys, a cipher in
// storage keys, which are told apart by their attributes.
Result<void> skip_symmetric(Reader& reader) {
  ATTESTD_TRY(const std::uint16_t algorithm, reader.be16("symmetric algorithm"));
  if (algorithm != alg_null) ATTESTD_CHECK(reader.skip(4, "symmetric key size and mode"));
  return {};
}

// TPMT_RSA_SCHEME, TPMT_ECC_SCHEME (part 2 sections 11.2.4.2 and 11.2.5.6).
Result<void> read_scheme(Reader& reader, TpmPublic& key) {
  ATTESTD_TRY(const std::uint16_t scheme, reader.be16("signing scheme"));
  if (scheme == alg_null) return {};
  key.scheme = scheme;
  if (scheme == alg_rsaes) return {};
  const std::size_t at = reader.offset();
  ATTESTD_TRY(const std::uint16_t hash, reader.be16("hash of the signing scheme"));
  key.scheme_hash = hash_from_id(hash);
  if (!key.scheme_hash) return fail_at(Errc::unsupported, at, "signing scheme has an unknown hash");
  if (scheme == alg_ecdaa) ATTESTD_CHECK(reader.skip(2, "ECDAA counter"));
  return {};
}

Result<void> read_rsa(Reader& reader, TpmPublic& key) {
  ATTESTD_TRY(key.rsa_bits, reader.be16("RSA key size"));
  ATTESTD_TRY(const std::uint32_t exponent, reader.be32("RSA exponent"));
  key.rsa_exponent = exponent == 0 ? default_exponent : exponent;  // part 2 section 12.2.3.5
  const std::size_t at = reader.offset();
  ATTESTD_TRY(key.rsa_modulus, tpm_wire::sized(reader, tpm_wire::max_rsa_size, "RSA modulus"));
  if (key.rsa_modulus.size() * 8 != key.rsa_bits) {
    return fail_at(Errc::malformed, at, "RSA modulus has another size than the key");
  }
  return {};
}

Result<void> read_ecc(Reader& reader, TpmPublic& key) {
  ATTESTD_TRY(key.curve, reader.be16("curve"));
  const std::size_t at = reader.offset();
  ATTESTD_TRY(const std::uint16_t kdf, reader.be16("key derivation scheme"));
  if (kdf != alg_null) return fail_at(Errc::unsupported, at, "ECC key has a key derivation scheme");
  ATTESTD_TRY(key.x, tpm_wire::sized(reader, tpm_wire::max_ecc_size, "ECC x"));
  ATTESTD_TRY(key.y, tpm_wire::sized(reader, tpm_wire::max_ecc_size, "ECC y"));
  return {};
}

Result<TpmPublic> parse_tpmt_public(ByteView bytes, std::size_t base) {
  Reader reader(bytes, base);
  TpmPublic key;
  const std::size_t type_at = reader.offset();
  ATTESTD_TRY(const std::uint16_t type, reader.be16("key type"));
  if (type != static_cast<std::uint16_t>(TpmPublic::Type::rsa) &&
      type != static_cast<std::uint16_t>(TpmPublic::Type::ecc)) {
    return fail_at(Errc::unsupported, type_at, "key type " + std::to_string(type));
  }
  key.type = static_cast<TpmPublic::Type>(type);
  const std::size_t name_at = reader.offset();
  ATTESTD_TRY(const std::uint16_t name_algorithm, reader.be16("name algorithm"));
  const auto algorithm = hash_from_id(name_algorithm);
  if (!algorithm || !hash_available(*algorithm)) {
    return fail_at(Errc::unsupported, name_at, "name algorithm " + std::to_string(name_algorithm));
  }
  key.name_algorithm = *algorithm;
  ATTESTD_TRY(key.attributes, reader.be32("object attributes"));
  ATTESTD_TRY(key.auth_policy, tpm_wire::sized(reader, tpm_wire::max_digest_size, "authorization policy"));
  ATTESTD_CHECK(skip_symmetric(reader));
  ATTESTD_CHECK(read_scheme(reader, key));
  ATTESTD_CHECK(key.type == TpmPublic::Type::rsa ? read_rsa(reader, key) : read_ecc(reader, key));
  if (!reader.empty()) return fail_at(Errc::malformed, reader.offset(), "bytes follow the public area");
  // Part 1 section 16: nameAlg || H(TPMT_PUBLIC).
  key.name = Writer().be16(name_algorithm).raw(digest(*algorithm, {bytes})).take();
  return key;
}

}  // namespace

Result<TpmPublic> parse_tpm_public(ByteView bytes) {
  Reader reader(bytes);
  ATTESTD_TRY(const std::uint16_t first, reader.be16("public area"));
  // A TPM2B starts with the size of what follows, a TPMT with a type of 0x0001 or
  // 0x0023: only a public area of 1 or 35 bytes could be taken for both, and none is so short.
  if (first == reader.remaining()) return parse_tpmt_public(reader.rest(), 2);
  return parse_tpmt_public(bytes, 0);
}

}  // namespace attestd
