// TPM 2.0 structures of a quote, in the TPM's own wire encoding.
// Source: TCG "Trusted Platform Module Library" part 2, revision 1.59.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "evidence/digest.h"
#include "evidence/pcr.h"

namespace attestd {

inline constexpr std::uint32_t tpm_generated_value = 0xff544347;  // part 2, section 6.2
inline constexpr std::uint16_t tpm_st_attest_quote = 0x8018;      // part 2, section 6.9

// TPMS_ATTEST (part 2, section 10.12.12) of type quote.
struct TpmQuote {
  Bytes qualified_signer;  // TPM2B_NAME contents
  Bytes extra_data;        // the caller's qualifying data
  std::uint64_t clock_ms = 0;
  std::uint32_t reset_count = 0;
  std::uint32_t restart_count = 0;
  bool clock_safe = false;
  std::uint64_t firmware_version = 0;
  std::vector<PcrSelection> selection;
  Bytes pcr_digest;
};
// Errors: malformed (magic, trailing bytes), unsupported (type is not quote,
// unknown bank), truncated, out_of_range.
Result<TpmQuote> parse_tpm_quote(ByteView tpms_attest);

// TPMT_SIGNATURE (part 2, section 11.3.4).
struct TpmSignature {
  enum class Scheme : std::uint16_t { rsassa = 0x0014, rsapss = 0x0016, ecdsa = 0x0018 };
  Scheme scheme = Scheme::ecdsa;
  HashAlgorithm hash = HashAlgorithm::sha256;
  Bytes rsa;   // RSA signature
  Bytes r, s;  // ECDSA, big-endian, as long as the TPM wrote them
};
Result<TpmSignature> parse_tpm_signature(ByteView tpmt_signature);

// TPMT_PUBLIC (part 2, section 12.2.4) of an asymmetric signing key.
struct TpmPublic {
  enum class Type : std::uint16_t { rsa = 0x0001, ecc = 0x0023 };
  Type type = Type::ecc;
  HashAlgorithm name_algorithm = HashAlgorithm::sha256;
  std::uint32_t attributes = 0;  // TPMA_OBJECT, part 2 section 8.3
  Bytes auth_policy;
  std::optional<std::uint16_t> scheme;  // TPM_ALG_ID, none when TPM_ALG_NULL
  std::optional<HashAlgorithm> scheme_hash;
  std::uint16_t rsa_bits = 0;
  std::uint32_t rsa_exponent = 65537;
  Bytes rsa_modulus;        // big-endian
  std::uint16_t curve = 0;  // TPM_ECC_CURVE: 3 is P-256, 4 is P-384
  Bytes x, y;               // big-endian
  Bytes name;               // name_algorithm id (be16) || digest of the TPMT_PUBLIC

  static constexpr std::uint32_t fixed_tpm = 1U << 1U;
  static constexpr std::uint32_t fixed_parent = 1U << 4U;
  static constexpr std::uint32_t sensitive_data_origin = 1U << 5U;
  static constexpr std::uint32_t restricted = 1U << 16U;
  static constexpr std::uint32_t decrypt = 1U << 17U;
  static constexpr std::uint32_t sign = 1U << 18U;
  // A key that signs nothing but what its TPM made: restricted, sign, fixedTPM,
  // not decrypt. Only such a key's quotes mean anything.
  [[nodiscard]] bool attestation_key() const {
    return (attributes & (restricted | sign | fixed_tpm | decrypt)) == (restricted | sign | fixed_tpm);
  }
};
// Accepts TPMT_PUBLIC, and TPM2B_PUBLIC (with its 2-byte size) as tpm2-tools writes it.
Result<TpmPublic> parse_tpm_public(ByteView bytes);

// The PCR file that tpm2_quote --pcr writes with its default "serialized"
// format (tpm2-tools 5: a little-endian TPML_PCR_SELECTION in memory layout, a
// count and TPML_DIGESTs). For files from other tools; bundles carry JSON.
Result<PcrValues> parse_tpm2_tools_pcrs(ByteView bytes);
// The inverse, for tpm2_checkquote and its kind.
Result<Bytes> encode_tpm2_tools_pcrs(const std::vector<PcrSelection>& selection, const PcrValues& values);

}  // namespace attestd
