#include "sim/tpm_provision.h"

#include <algorithm>
#include <cstring>

#include "base/hex_number.h"
#include "hwio/tpm_endorsement.h"

namespace attestd::sim {
namespace {

using hwio::EsysHandle;
using hwio::tpm_check;
using hwio::TpmContext;

constexpr std::size_t write_chunk = 1024;  // swtpm's TPM2_PT_NV_BUFFER_MAX
constexpr std::uint16_t rsa_bits = 2048;

TPM2B_PUBLIC attestation_key_template() {
  TPM2B_PUBLIC out = hwio::restricted_signing_template(TPM2_ALG_RSA);
  TPMS_RSA_PARMS& parameters = out.publicArea.parameters.rsaDetail;
  parameters.symmetric.algorithm = TPM2_ALG_NULL;
  parameters.scheme.scheme = TPM2_ALG_RSASSA;
  parameters.scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
  parameters.keyBits = rsa_bits;
  return out;
}

Result<void> forget_nv(ESYS_CONTEXT* esys, std::uint32_t index) {
  ESYS_TR old = ESYS_TR_NONE;
  const TSS2_RC code = Esys_TR_FromTPMPublic(esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &old);
  if (code != TSS2_RC_SUCCESS) return {};  // there is none
  return tpm_check(Esys_NV_UndefineSpace(esys, ESYS_TR_RH_OWNER, old, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE),
                   "remove NV index " + hex_number(index));
}

}  // namespace

Result<Bytes> keep_rsa_attestation_key(const std::string& tcti, std::uint32_t handle) {
  ATTESTD_TRY(const TpmContext context, TpmContext::open(tcti));
  ESYS_CONTEXT* const esys = context.get();
  auto found = hwio::open_persistent_key(esys, handle);
  if (found) return std::move(found->public_area);
  if (found.error().code != Errc::not_found) return std::unexpected(std::move(found).error());
  ATTESTD_TRY(hwio::LoadedKey made,
              hwio::create_endorsement_primary(esys, attestation_key_template(), {}, "an attestation key"));
  ESYS_TR kept = ESYS_TR_NONE;
  ATTESTD_CHECK(tpm_check(Esys_EvictControl(esys, ESYS_TR_RH_OWNER, made.handle.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                            ESYS_TR_NONE, handle, &kept),
                          "keep the attestation key at " + hex_number(handle)));
  const EsysHandle closed(esys, kept, EsysHandle::End::close);
  return std::move(made.public_area);
}

Result<void> store_nv(const std::string& tcti, std::uint32_t index, ByteView contents) {
  if (contents.empty() || contents.size() > software_tpm_nv_limit) {
    return fail(Errc::out_of_range, "NV index " + hex_number(index) + " cannot hold " +
                                        std::to_string(contents.size()) + " bytes: swtpm's limit is " +
                                        std::to_string(software_tpm_nv_limit));
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
