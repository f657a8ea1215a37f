#include "evidence/tpm_attest.h"

#include <string>

#include "evidence/tpm_wire_internal.h"

namespace attestd {
namespace {

// Part 2 section 10.5.1: names are an algorithm and its digest, or a handle.
constexpr std::size_t max_name_size = 2 + 64;
// Part 2 section 10.4.3: TPM2B_DATA holds a TPMT_HA.
constexpr std::size_t max_data_size = 2 + 64;
// Part 2 section 10.6.2: one selection for each implemented bank.
constexpr std::uint32_t max_selections = 16;
constexpr unsigned max_select_bytes = 3;  // 24 PCRs

Result<void> at_end(const Reader& reader, std::string_view what) {
  if (reader.empty()) return {};
  return fail_at(Errc::malformed, reader.offset(),
                 std::to_string(reader.remaining()) + " bytes follow the " + std::string(what));
}

Result<HashAlgorithm> hash_id(Reader& reader, std::string_view what) {
  const std::size_t at = reader.offset();
  ATTESTD_TRY(const std::uint16_t id, reader.be16(what));
  const auto algorithm = hash_from_id(id);
  if (!algorithm) {
    return fail_at(Errc::unsupported, at, std::string(what) + " has unknown identifier " + std::to_string(id));
  }
  return *algorithm;
}

// TPMS_PCR_SELECTION (part 2 section 10.6.1): bit n of byte m is PCR 8m+n.
Result<PcrSelection> pcr_selection(Reader& reader) {
  PcrSelection selection;
  ATTESTD_TRY(selection.bank, hash_id(reader, "PCR bank"));
  const std::size_t at = reader.offset();
  ATTESTD_TRY(const std::uint8_t size, reader.u8("size of PCR selection"));
  if (size > max_select_bytes) return fail_at(Errc::out_of_range, at, "PCR selection of more than 24 PCRs");
  for (unsigned byte = 0; byte < size; ++byte) {
    ATTESTD_TRY(const std::uint8_t bits, reader.u8("PCR selection"));
    for (unsigned bit = 0; bit < 8; ++bit) {
      if (((bits >> bit) & 1U) != 0) selection.indices.push_back(8 * byte + bit);
    }
  }
  return selection;
}

}  // namespace

Result<TpmQuote> parse_tpm_quote(ByteView tpms_attest) {
  Reader reader(tpms_attest);
  ATTESTD_TRY(const std::uint32_t magic, reader.be32("magic"));
  // Without it the structure may be anything that an unrestricted key would sign.
  if (magic != tpm_generated_value) return fail_at(Errc::malformed, 0, "magic is not TPM_GENERATED_VALUE");
  ATTESTD_TRY(const std::uint16_t type, reader.be16("attestation type"));
  if (type != tpm_st_attest_quote) return fail_at(Errc::unsupported, 4, "attestation is not a quote");
  TpmQuote quote;
  ATTESTD_TRY(quote.qualified_signer, tpm_wire::sized(reader, max_name_size, "qualified signer"));
  ATTESTD_TRY(quote.extra_data, tpm_wire::sized(reader, max_data_size, "extra data"));
  // TPMS_CLOCK_INFO (part 2 section 10.11.1).
  ATTESTD_TRY(quote.clock_ms, reader.be64("clock"));
  ATTESTD_TRY(quote.reset_count, reader.be32("reset count"));
  ATTESTD_TRY(quote.restart_count, reader.be32("restart count"));
  const std::size_t safe_at = reader.offset();
  ATTESTD_TRY(const std::uint8_t safe, reader.u8("clock safe flag"));
  if (safe > 1) return fail_at(Errc::malformed, safe_at, "clock safe flag is neither yes nor no");
  quote.clock_safe = safe == 1;
  ATTESTD_TRY(quote.firmware_version, reader.be64("firmware version"));
  // TPMS_QUOTE_INFO (part 2 section 10.12.1).
  const std::size_t count_at = reader.offset();
  ATTESTD_TRY(const std::uint32_t count, reader.be32("number of PCR selections"));
  if (count > max_selections) return fail_at(Errc::out_of_range, count_at, "too many PCR selections");
  for (std::uint32_t i = 0; i < count; ++i) {
    ATTESTD_TRY(PcrSelection selection, pcr_selection(reader));
    quote.selection.push_back(std::move(selection));
  }
  ATTESTD_TRY(quote.pcr_digest, tpm_wire::sized(reader, tpm_wire::max_digest_size, "PCR digest"));
  ATTESTD_CHECK(at_end(reader, "quote"));
  return quote;
}

Result<TpmSignature> parse_tpm_signature(ByteView tpmt_signature) {
  Reader reader(tpmt_signature);
  TpmSignature signature;
  ATTESTD_TRY(const std::uint16_t scheme, reader.be16("signature scheme"));
  switch (scheme) {
    case static_cast<std::uint16_t>(TpmSignature::Scheme::rsassa):
    case static_cast<std::uint16_t>(TpmSignature::Scheme::rsapss):
    case static_cast<std::uint16_t>(TpmSignature::Scheme::ecdsa):
      signature.scheme = static_cast<TpmSignature::Scheme>(scheme);
      break;
    default: return fail_at(Errc::unsupported, 0, "signature scheme " + std::to_string(scheme));
  }
  ATTESTD_TRY(signature.hash, hash_id(reader, "signature hash"));
  if (signature.scheme == TpmSignature::Scheme::ecdsa) {
    ATTESTD_TRY(signature.r, tpm_wire::sized(reader, tpm_wire::max_ecc_size, "ECDSA r"));
    ATTESTD_TRY(signature.s, tpm_wire::sized(reader, tpm_wire::max_ecc_size, "ECDSA s"));
  } else {
    ATTESTD_TRY(signature.rsa, tpm_wire::sized(reader, tpm_wire::max_rsa_size, "RSA signature"));
  }
  ATTESTD_CHECK(at_end(reader, "signature"));
  return signature;
}

}  // namespace attestd
