#include "hwio/tpm_endorsement.h"

#include <tss2/tss2_mu.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/hex_number.h"

namespace attestd::hwio {
namespace {

// PolicySecret(TPM_RH_ENDORSEMENT), SHA-256: EK Credential Profile 2.5, annex B.6.2.
constexpr std::array<std::uint8_t, 32> policy_a = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc,
                                                   0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52,
                                                   0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};
constexpr std::uint16_t rsa_bits = 2048;
constexpr std::uint16_t aes_bits = 128;

Result<Bytes> marshal_area(const TPMT_PUBLIC& area) {
  Bytes out(sizeof(TPMT_PUBLIC));
  size_t size = 0;
  ATTESTD_CHECK(
      tpm_check(Tss2_MU_TPMT_PUBLIC_Marshal(&area, reinterpret_cast<std::uint8_t*>(out.data()), out.size(), &size),
                "marshal a key"));
  out.resize(size);
  return out;
}

bool made_from(const TPMT_PUBLIC& found, const TPMT_PUBLIC& key_template) {
  TPMT_PUBLIC area = found;
  area.unique = key_template.unique;
  const auto a = marshal_area(area);
  const auto b = marshal_area(key_template);
  return a && b && *a == *b;
}

struct PublicKey {
  EsysPointer<TPM2B_PUBLIC> area;
  EsysPointer<TPM2B_NAME> name;
};

Result<PublicKey> read_public(ESYS_CONTEXT* esys, ESYS_TR key, const std::string& what) {
  TPM2B_PUBLIC* raw_public = nullptr;
  TPM2B_NAME* raw_name = nullptr;
  TPM2B_NAME* raw_qualified = nullptr;
  ATTESTD_CHECK(tpm_check(
      Esys_ReadPublic(esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw_public, &raw_name, &raw_qualified),
      "read " + what));
  const EsysPointer<TPM2B_NAME> qualified(raw_qualified);
  return PublicKey{EsysPointer<TPM2B_PUBLIC>(raw_public), EsysPointer<TPM2B_NAME>(raw_name)};
}

Bytes bytes_of(const TPM2B_NAME& name) { return to_bytes(std::as_bytes(std::span(name.name, name.size))); }

bool is_ours(ESYS_CONTEXT* esys, ESYS_TR handle, std::span<const TPM2B_PUBLIC> ours) {
  const auto found = read_public(esys, handle, "a key");
  return found && std::any_of(ours.begin(), ours.end(), [&](const TPM2B_PUBLIC& key_template) {
           return made_from(found->area->publicArea, key_template.publicArea);
         });
}

// Through a resource manager we see no keys but our own.
void flush_leftover_keys(ESYS_CONTEXT* esys, std::span<const TPM2B_PUBLIC> ours) {
  TPMI_YES_NO more = TPM2_NO;
  TPMS_CAPABILITY_DATA* raw = nullptr;
  if (Esys_GetCapability(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES, TPM2_TRANSIENT_FIRST,
                         TPM2_MAX_CAP_HANDLES, &more, &raw) != TSS2_RC_SUCCESS) {
    return;
  }
  const EsysPointer<TPMS_CAPABILITY_DATA> data(raw);
  const TPML_HANDLE& handles = data->data.handles;
  for (std::uint32_t i = 0; i < std::min<std::uint32_t>(handles.count, TPM2_MAX_CAP_HANDLES); ++i) {
    ESYS_TR handle = ESYS_TR_NONE;
    if (Esys_TR_FromTPMPublic(esys, handles.handle[i], ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &handle) !=
        TSS2_RC_SUCCESS) {
      continue;
    }
    const EsysHandle flushed(esys, handle,
                             is_ours(esys, handle, ours) ? EsysHandle::End::flush : EsysHandle::End::close);
  }
}

template <class Sized, class Buffer>
Result<void> fill(Sized& out, Buffer& buffer, ByteView bytes, const std::string& what) {
  if (bytes.empty() || bytes.size() > sizeof buffer) {
    return fail(Errc::out_of_range, what + " has " + std::to_string(bytes.size()) + " bytes");
  }
  out.size = static_cast<std::uint16_t>(bytes.size());
  std::memcpy(&buffer, bytes.data(), bytes.size());
  return {};
}

// The endorsement key may be used by who knows the hierarchy's (empty) authorization.
Result<EsysHandle> endorsement_session(ESYS_CONTEXT* esys) {
  const TPMT_SYM_DEF symmetric = {.algorithm = TPM2_ALG_NULL, .keyBits = {}, .mode = {}};
  ESYS_TR raw_session = ESYS_TR_NONE;
  ATTESTD_CHECK(
      tpm_check(Esys_StartAuthSession(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                      nullptr, TPM2_SE_POLICY, &symmetric, TPM2_ALG_SHA256, &raw_session),
                "start a policy session"));
  EsysHandle session(esys, raw_session, EsysHandle::End::flush);
  TPM2B_TIMEOUT* raw_timeout = nullptr;
  TPMT_TK_AUTH* raw_ticket = nullptr;
  ATTESTD_CHECK(tpm_check(Esys_PolicySecret(esys, ESYS_TR_RH_ENDORSEMENT, session.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                            ESYS_TR_NONE, nullptr, nullptr, nullptr, 0, &raw_timeout, &raw_ticket),
                          "satisfy the endorsement key's policy"));
  const EsysPointer<TPM2B_TIMEOUT> timeout(raw_timeout);
  const EsysPointer<TPMT_TK_AUTH> ticket(raw_ticket);
  return session;
}

}  // namespace

TPM2B_PUBLIC restricted_signing_template(TPMI_ALG_PUBLIC type) {
  TPM2B_PUBLIC out = {};
  TPMT_PUBLIC& area = out.publicArea;
  area.type = type;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT;
  return out;
}

TPM2B_PUBLIC endorsement_key_template() {
  TPM2B_PUBLIC out = {};
  TPMT_PUBLIC& area = out.publicArea;
  area.type = TPM2_ALG_RSA;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  area.authPolicy.size = policy_a.size();
  std::copy(policy_a.begin(), policy_a.end(), area.authPolicy.buffer);
  TPMS_RSA_PARMS& parameters = area.parameters.rsaDetail;
  parameters.symmetric.algorithm = TPM2_ALG_AES;
  parameters.symmetric.keyBits.aes = aes_bits;
  parameters.symmetric.mode.aes = TPM2_ALG_CFB;
  parameters.scheme.scheme = TPM2_ALG_NULL;
  parameters.keyBits = rsa_bits;
  // The template's own: as many zeros as the modulus has bytes.
  area.unique.rsa.size = rsa_bits / 8;
  return out;
}

Result<TPM2B_PUBLIC> parse_key_template(ByteView bytes) {
  Reader reader(bytes);
  ATTESTD_TRY(const std::uint16_t first, reader.be16("key template"));
  // A type is 0x0001 or 0x0023: no template is as short as such a size would say.
  const ByteView area = first == reader.remaining() ? reader.rest() : bytes;
  TPM2B_PUBLIC out = {};
  size_t offset = 0;
  const TSS2_RC code = Tss2_MU_TPMT_PUBLIC_Unmarshal(reinterpret_cast<const std::uint8_t*>(area.data()), area.size(),
                                                     &offset, &out.publicArea);
  if (code != TSS2_RC_SUCCESS || offset != area.size()) {
    return fail(Errc::malformed, "the TPM's key template is no TPMT_PUBLIC");
  }
  return out;
}

Result<LoadedKey> create_endorsement_primary(ESYS_CONTEXT* esys, const TPM2B_PUBLIC& key_template,
                                             std::span<const TPM2B_PUBLIC> ours, const std::string& what) {
  const TPM2B_SENSITIVE_CREATE in_sensitive = {};
  const TPM2B_DATA outside_info = {};
  const TPML_PCR_SELECTION creation_pcrs = {};
  ESYS_TR handle = ESYS_TR_NONE;
  TPM2B_PUBLIC* raw_public = nullptr;
  TPM2B_CREATION_DATA* raw_data = nullptr;
  TPM2B_DIGEST* raw_hash = nullptr;
  TPMT_TK_CREATION* raw_ticket = nullptr;
  const auto create = [&] {
    return Esys_CreatePrimary(esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &in_sensitive,
                              &key_template, &outside_info, &creation_pcrs, &handle, &raw_public, &raw_data, &raw_hash,
                              &raw_ticket);
  };
  TSS2_RC code = create();
  if (tpm_response_is(code, TPM2_RC_OBJECT_MEMORY)) {
    flush_leftover_keys(esys, ours);
    code = create();
  }
  ATTESTD_CHECK(tpm_check(code, "create " + what + " in the TPM's endorsement hierarchy"));
  LoadedKey out;
  out.handle = EsysHandle(esys, handle, EsysHandle::End::flush);
  const EsysPointer<TPM2B_PUBLIC> out_public(raw_public);
  const EsysPointer<TPM2B_CREATION_DATA> creation_data(raw_data);
  const EsysPointer<TPM2B_DIGEST> creation_hash(raw_hash);
  const EsysPointer<TPMT_TK_CREATION> creation_ticket(raw_ticket);

  TPM2B_NAME* raw_name = nullptr;
  ATTESTD_CHECK(tpm_check(Esys_TR_GetName(esys, handle, &raw_name), "read the name of " + what));
  const EsysPointer<TPM2B_NAME> name(raw_name);
  out.name = bytes_of(*name);
  ATTESTD_TRY(out.public_area, marshal_area(out_public->publicArea));
  return out;
}

Result<LoadedKey> open_persistent_key(ESYS_CONTEXT* esys, std::uint32_t handle) {
  const std::string what = "the persistent key " + hex_number(handle);
  ESYS_TR key = ESYS_TR_NONE;
  const TSS2_RC code = Esys_TR_FromTPMPublic(esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &key);
  if (tpm_response_is(code, TPM2_RC_HANDLE) || tpm_response_is(code, TPM2_RC_VALUE)) {
    return fail(Errc::not_found, "the TPM has not " + what);
  }
  ATTESTD_CHECK(tpm_check(code, "find " + what));
  LoadedKey out;
  out.handle = EsysHandle(esys, key, EsysHandle::End::close);
  ATTESTD_TRY(const PublicKey found, read_public(esys, key, what));
  out.name = bytes_of(*found.name);
  ATTESTD_TRY(out.public_area, marshal_area(found.area->publicArea));
  return out;
}

Result<Bytes> activate_credential(ESYS_CONTEXT* esys, ESYS_TR attestation_key, ESYS_TR endorsement_key,
                                  ByteView credential_blob, ByteView encrypted_secret) {
  TPM2B_ID_OBJECT blob = {};
  TPM2B_ENCRYPTED_SECRET secret = {};
  ATTESTD_CHECK(fill(blob, blob.credential, credential_blob, "the credential"));
  ATTESTD_CHECK(fill(secret, secret.secret, encrypted_secret, "the credential's secret"));
  ATTESTD_TRY(const EsysHandle session, endorsement_session(esys));
  TPM2B_DIGEST* raw_info = nullptr;
  const TSS2_RC code = Esys_ActivateCredential(esys, attestation_key, endorsement_key, ESYS_TR_PASSWORD, session.get(),
                                               ESYS_TR_NONE, &blob, &secret, &raw_info);
  if (code != TSS2_RC_SUCCESS) {
    auto error = tpm_error(code, "activate the credential");
    // The connection is sound: the credential is not for these keys.
    if (error.error().code == Errc::tpm) return fail(Errc::refused, std::move(error.error().message));
    return error;
  }
  const EsysPointer<TPM2B_DIGEST> info(raw_info);
  return to_bytes(std::as_bytes(std::span(info->buffer, info->size)));
}

}  // namespace attestd::hwio
