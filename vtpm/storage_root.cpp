#include <tss2/tss2_mu.h>

#include <algorithm>

#include "base/hex_number.h"
#include "evidence/tpm_attest.h"
#include "evidence/tpm_wire_internal.h"
#include "vtpm/storage_root_internal.h"

namespace attestd::vtpm {
namespace {

using hwio::EsysHandle, hwio::EsysPointer, hwio::tpm_check, hwio::tpm_response_is;

constexpr std::uint16_t aes_bits = 128;
constexpr std::uint16_t point_size = 32;
constexpr std::uint16_t curve_p256 = 0x0003;
constexpr std::size_t area_limit = 1024;
constexpr std::size_t name_limit = 66;
constexpr UINT16 overwritten = 48;  // bytes: one SHA-384 digest, which every TPM gives at once

std::string what() { return "the TPM's storage root key (" + hex_number(storage_root_handle) + ")"; }

// The serialized form of tpm2-tss 3 (IESYS_RESOURCE): handle, name, kind, and for a key TPM2B_PUBLIC.
constexpr std::uint32_t kind_key = 1;

Result<KnownPublic> read_resource(ByteView bytes) {
  Reader reader(bytes);
  ATTESTD_CHECK(reader.skip(sizeof(TPM2_HANDLE), "handle"));
  KnownPublic out;
  ATTESTD_TRY(out.name, tpm_wire::sized(reader, name_limit, "name"));
  ATTESTD_TRY(const std::uint32_t kind, reader.be32("kind"));
  if (kind != kind_key) return fail(Errc::internal, "tpm2-tss has something else than a key there");
  ATTESTD_TRY(out.area, tpm_wire::sized(reader, area_limit, "public area"));
  if (!reader.empty()) return fail(Errc::internal, "tpm2-tss has more than a key there");
  return out;
}

Result<void> check_storage_key(const TpmPublic& key) {
  constexpr std::uint32_t needed = TpmPublic::fixed_tpm | TpmPublic::fixed_parent | TpmPublic::sensitive_data_origin |
                                   TpmPublic::restricted | TpmPublic::decrypt;
  const bool storage = (key.attributes & (needed | TpmPublic::sign)) == needed;
  if (!storage || key.type != TpmPublic::Type::ecc || key.curve != curve_p256 ||
      key.name_algorithm != HashAlgorithm::sha256) {
    return fail(Errc::refused, what() + " is not a P-256 storage key that is fixed to its TPM");
  }
  return {};
}

std::unexpected<Error> cleared(std::string_view how) {
  return fail(Errc::mismatch,
              what() + " " + std::string(how) + ": the TPM was cleared since the volume was enrolled, or is another");
}

Result<void> make_storage_root(ESYS_CONTEXT* esys) {
  const TPM2B_SENSITIVE_CREATE in_sensitive = {};
  const TPM2B_PUBLIC key_template = storage_root_template();
  const TPM2B_DATA outside_info = {};
  const TPML_PCR_SELECTION creation_pcrs = {};
  ESYS_TR primary = ESYS_TR_NONE;
  ATTESTD_CHECK(tpm_check(
      Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &in_sensitive,
                         &key_template, &outside_info, &creation_pcrs, &primary, nullptr, nullptr, nullptr, nullptr),
      "create " + what()));
  const EsysHandle transient(esys, primary, EsysHandle::End::flush);
  ESYS_TR persistent = ESYS_TR_NONE;
  ATTESTD_CHECK(tpm_check(Esys_EvictControl(esys, ESYS_TR_RH_OWNER, primary, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                            ESYS_TR_NONE, storage_root_handle, &persistent),
                          "keep " + what()));
  const EsysHandle kept(esys, persistent, EsysHandle::End::close);
  return {};
}

}  // namespace

TPM2B_PUBLIC storage_root_template() {
  TPM2B_PUBLIC out = {};
  TPMT_PUBLIC& area = out.publicArea;
  area.type = TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  TPMS_ECC_PARMS& parameters = area.parameters.eccDetail;
  parameters.symmetric.algorithm = TPM2_ALG_AES;
  parameters.symmetric.keyBits.aes = aes_bits;
  parameters.symmetric.mode.aes = TPM2_ALG_CFB;
  parameters.scheme.scheme = TPM2_ALG_NULL;
  parameters.curveID = TPM2_ECC_NIST_P256;
  parameters.kdf.scheme = TPM2_ALG_NULL;
  // The template's own: as many zeros as the coordinates have bytes.
  area.unique.ecc.x.size = point_size;
  area.unique.ecc.y.size = point_size;
  return out;
}

Result<KnownPublic> known_public(ESYS_CONTEXT* esys, ESYS_TR key) {
  std::uint8_t* raw = nullptr;
  size_t size = 0;
  ATTESTD_CHECK(tpm_check(Esys_TR_Serialize(esys, key, &raw, &size), "read what is known of a key"));
  const EsysPointer<std::uint8_t> serialized(raw);
  ATTESTD_TRY(KnownPublic out, read_resource(std::as_bytes(std::span(raw, size))));
  ATTESTD_TRY(const TpmPublic parsed, parse_tpm_public(out.area));
  if (parsed.name != out.name) {
    return fail(Errc::mismatch, "the TPM's answer names a key by another name than the key's own: somebody alters it");
  }
  return out;
}

Result<StorageRoot> open_storage_root(ESYS_CONTEXT* esys, std::optional<ByteView> pinned) {
  ESYS_TR raw = ESYS_TR_NONE;
  const TSS2_RC code = Esys_TR_FromTPMPublic(esys, storage_root_handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw);
  if (tpm_response_is(code, TPM2_RC_HANDLE) || tpm_response_is(code, TPM2_RC_VALUE)) {
    if (pinned) return cleared("is not there");
    return fail(Errc::not_found, "the TPM has no storage root key");
  }
  ATTESTD_CHECK(tpm_check(code, "find " + what()));
  StorageRoot out{EsysHandle(esys, raw, EsysHandle::End::close), {}};
  ATTESTD_TRY(const KnownPublic known, known_public(esys, raw));
  if (pinned && !std::ranges::equal(known.name, *pinned)) return cleared("is not the enrolled one");
  ATTESTD_TRY(const TpmPublic parsed, parse_tpm_public(known.area));
  ATTESTD_CHECK(check_storage_key(parsed));
  out.name = known.name;
  return out;
}

Result<StorageRoot> need_storage_root(ESYS_CONTEXT* esys) {
  auto found = open_storage_root(esys, std::nullopt);
  if (found || found.error().code != Errc::not_found) return found;
  ATTESTD_CHECK(make_storage_root(esys));
  return open_storage_root(esys, std::nullopt);
}

Result<EsysHandle> start_session(ESYS_CONTEXT* esys, ESYS_TR salt_key, TPM2_SE kind) {
  TPMT_SYM_DEF symmetric = {};
  symmetric.algorithm = TPM2_ALG_AES;
  symmetric.keyBits.aes = aes_bits;
  symmetric.mode.aes = TPM2_ALG_CFB;
  ESYS_TR raw = ESYS_TR_NONE;
  ATTESTD_CHECK(tpm_check(Esys_StartAuthSession(esys, salt_key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                                nullptr, kind, &symmetric, TPM2_ALG_SHA256, &raw),
                          "start a session with the TPM"));
  return EsysHandle(esys, raw, EsysHandle::End::flush);
}

Result<void> encrypt_next(ESYS_CONTEXT* esys, const EsysHandle& session, Encrypt what) {
  TPMA_SESSION attributes = TPMA_SESSION_CONTINUESESSION;
  if (what == Encrypt::command || what == Encrypt::both) attributes |= TPMA_SESSION_DECRYPT;
  if (what == Encrypt::response || what == Encrypt::both) attributes |= TPMA_SESSION_ENCRYPT;
  return tpm_check(Esys_TRSess_SetAttributes(esys, session.get(), attributes, 0xff), "set up a session with the TPM");
}

void overwrite_answer(ESYS_CONTEXT* esys) {
  TPM2B_DIGEST* random = nullptr;
  if (Esys_GetRandom(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, overwritten, &random) != TSS2_RC_SUCCESS) return;
  const EsysPointer<TPM2B_DIGEST> ignored(random);
}

}  // namespace attestd::vtpm
