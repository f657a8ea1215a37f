#include "sim/tpm_provision.h"

#include <tss2/tss2_mu.h>

#include <algorithm>
#include <cstring>

#include "base/encoding.h"
#include "hwio/tpm_context.h"

namespace attestd::sim {
namespace {

using hwio::EsysHandle;
using hwio::EsysPointer;
using hwio::tpm_check;
using hwio::TpmContext;

constexpr std::size_t write_chunk = 1024;  // swtpm's TPM2_PT_NV_BUFFER_MAX
constexpr std::uint16_t rsa_bits = 2048;

TPM2B_PUBLIC attestation_key_template() {
  TPM2B_PUBLIC out = {};
  TPMT_PUBLIC& area = out.publicArea;
  area.type = TPM2_ALG_RSA;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT;
  TPMS_RSA_PARMS& parameters = area.parameters.rsaDetail;
  parameters.symmetric.algorithm = TPM2_ALG_NULL;
  parameters.scheme.scheme = TPM2_ALG_RSASSA;
  parameters.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
  parameters.keyBits = rsa_bits;
  return out;
}

bool there(ESYS_CONTEXT* esys, std::uint32_t handle, ESYS_TR& into) {
  return Esys_TR_FromTPMPublic(esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &into) == TSS2_RC_SUCCESS;
}

Result<Bytes> public_area_of(ESYS_CONTEXT* esys, ESYS_TR key) {
  TPM2B_PUBLIC* raw_public = nullptr;
  TPM2B_NAME* raw_name = nullptr;
  TPM2B_NAME* raw_qualified = nullptr;
  ATTESTD_CHECK(tpm_check(
      Esys_ReadPublic(esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw_public, &raw_name, &raw_qualified),
      "read the attestation key"));
  const EsysPointer<TPM2B_PUBLIC> area(raw_public);
  const EsysPointer<TPM2B_NAME> name(raw_name);
  const EsysPointer<TPM2B_NAME> qualified(raw_qualified);
  Bytes out(sizeof(TPMT_PUBLIC));
  std::size_t size = 0;
  ATTESTD_CHECK(tpm_check(
      Tss2_MU_TPMT_PUBLIC_Marshal(&area->publicArea, reinterpret_cast<std::uint8_t*>(out.data()), out.size(), &size),
      "marshal the attestation key"));
  out.resize(size);
  return out;
}

Result<EsysHandle> make_key(ESYS_CONTEXT* esys, std::uint32_t handle) {
  const TPM2B_PUBLIC in_public = attestation_key_template();
  const TPM2B_SENSITIVE_CREATE in_sensitive = {};
  const TPM2B_DATA outside_info = {};
  const TPML_PCR_SELECTION creation_pcrs = {};
  ESYS_TR transient = ESYS_TR_NONE;
  ATTESTD_CHECK(tpm_check(
      Esys_CreatePrimary(esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &in_sensitive,
                         &in_public, &outside_info, &creation_pcrs, &transient, nullptr, nullptr, nullptr, nullptr),
      "create an attestation key"));
  const EsysHandle created(esys, transient, EsysHandle::End::flush);
  ESYS_TR kept = ESYS_TR_NONE;
  ATTESTD_CHECK(tpm_check(Esys_EvictControl(esys, ESYS_TR_RH_OWNER, created.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                            ESYS_TR_NONE, handle, &kept),
                          "keep the attestation key at " + hex_number(handle)));
  return EsysHandle(esys, kept, EsysHandle::End::close);
}

Result<void> forget_nv(ESYS_CONTEXT* esys, std::uint32_t index) {
  ESYS_TR old = ESYS_TR_NONE;
  if (!there(esys, index, old)) return {};
  return tpm_check(Esys_NV_UndefineSpace(esys, ESYS_TR_RH_OWNER, old, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
                   "remove NV index " + hex_number(index));
}

}  // namespace

Result<Bytes> keep_rsa_attestation_key(const std::string& tcti, std::uint32_t handle) {
  ATTESTD_TRY(const TpmContext context, TpmContext::open(tcti));
  ESYS_CONTEXT* const esys = context.get();
  ESYS_TR found = ESYS_TR_NONE;
  if (there(esys, handle, found)) {
    const EsysHandle kept(esys, found, EsysHandle::End::close);
    return public_area_of(esys, kept.get());
  }
  ATTESTD_TRY(const EsysHandle made, make_key(esys, handle));
  return public_area_of(esys, made.get());
}

Result<void> store_nv(const std::string& tcti, std::uint32_t index, ByteView contents) {
  if (contents.empty() || contents.size() > software_tpm_nv_limit) {
    return fail(Errc::out_of_range, "NV index " + hex_number(index) + " cannot hold " + std::to_string(contents.size()) +
                                        " bytes: swtpm's limit is " + std::to_string(software_tpm_nv_limit));
  }
  ATTESTD_TRY(const TpmContext context, TpmContext::open(tcti));
  ESYS_CONTEXT* const esys = context.get();
  ATTESTD_CHECK(forget_nv(esys, index));
  TPM2B_NV_PUBLIC area = {};
  area.nvPublic.nvIndex = index;
  area.nvPublic.nameAlg = TPM2_ALG_SHA256;
  area.nvPublic.attributes =
      TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_AUTHWRITE | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA;
  area.nvPublic.dataSize = static_cast<std::uint16_t>(contents.size());
  const TPM2B_AUTH empty = {};
  ESYS_TR defined = ESYS_TR_NONE;
  ATTESTD_CHECK(tpm_check(Esys_NV_DefineSpace(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                                              &empty, &area, &defined),
                          "define NV index " + hex_number(index)));
  const EsysHandle handle(esys, defined, EsysHandle::End::close);
  for (std::size_t at = 0; at < contents.size();) {
    TPM2B_MAX_NV_BUFFER data = {};
    data.size = static_cast<std::uint16_t>(std::min(write_chunk, contents.size() - at));
    std::memcpy(data.buffer, contents.data() + at, data.size);
    ATTESTD_CHECK(tpm_check(Esys_NV_Write(esys, handle.get(), handle.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                          ESYS_TR_NONE, &data, static_cast<std::uint16_t>(at)),
                            "write NV index " + hex_number(index)));
    at += data.size;
  }
  return {};
}

}  // namespace attestd::sim
