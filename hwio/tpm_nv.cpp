#include <algorithm>
#include <cstring>

#include "base/hex_number.h"
#include "hwio/tpm_context.h"

namespace attestd::hwio {
namespace {

std::string index_name(std::uint32_t index) { return "NV index " + hex_number(index); }

// How much one TPM2_NV_Read returns at most. TPM 2.0 part 2, 6.13.
Result<std::uint16_t> largest_read(ESYS_CONTEXT* esys) {
  TPMI_YES_NO more = TPM2_NO;
  TPMS_CAPABILITY_DATA* raw = nullptr;
  ATTESTD_CHECK(tpm_check(Esys_GetCapability(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_TPM_PROPERTIES,
                                             TPM2_PT_NV_BUFFER_MAX, 1, &more, &raw),
                          "ask the TPM for its limits"));
  const EsysPointer<TPMS_CAPABILITY_DATA> data(raw);
  const auto& properties = data->data.tpmProperties;
  if (properties.count == 0 || properties.tpmProperty[0].property != TPM2_PT_NV_BUFFER_MAX) return std::uint16_t{512};
  return static_cast<std::uint16_t>(
      std::clamp<std::uint32_t>(properties.tpmProperty[0].value, 1, TPM2_MAX_NV_BUFFER_SIZE));
}

// The index, which lasts: its handle is only forgotten.
Result<EsysHandle> find_index(ESYS_CONTEXT* esys, std::uint32_t index) {
  if ((index & TPM2_HR_RANGE_MASK) != TPM2_HR_NV_INDEX) {
    return fail(Errc::usage, index_name(index) + " is not in the range of NV indices, 0x01000000 to 0x01ffffff");
  }
  ESYS_TR raw_handle = ESYS_TR_NONE;
  const TSS2_RC code = Esys_TR_FromTPMPublic(esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw_handle);
  if (tpm_response_is(code, TPM2_RC_HANDLE) || tpm_response_is(code, TPM2_RC_VALUE)) {
    return fail(Errc::not_found, "the TPM has no " + index_name(index));
  }
  ATTESTD_CHECK(tpm_check(code, "find " + index_name(index)));
  return EsysHandle(esys, raw_handle, EsysHandle::End::close);
}

Result<EsysHandle> define_index(ESYS_CONTEXT* esys, std::uint32_t index, std::size_t size) {
  TPM2B_NV_PUBLIC area = {};
  area.nvPublic.nvIndex = index;
  area.nvPublic.nameAlg = TPM2_ALG_SHA256;
  area.nvPublic.attributes =
      TPMA_NV_OWNERWRITE | TPMA_NV_OWNERREAD | TPMA_NV_AUTHWRITE | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA;
  area.nvPublic.dataSize = static_cast<std::uint16_t>(size);
  const TPM2B_AUTH empty = {};
  ESYS_TR handle = ESYS_TR_NONE;
  ATTESTD_CHECK(tpm_check(
      Esys_NV_DefineSpace(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &empty, &area, &handle),
      "define " + index_name(index)));
  return EsysHandle(esys, handle, EsysHandle::End::close);
}

}  // namespace

Result<void> write_nv_index(ESYS_CONTEXT* esys, std::uint32_t index, ByteView bytes) {
  if (bytes.empty() || bytes.size() > 1024) {
    return fail(Errc::usage, "an NV index is written with 1 to 1024 bytes, not " + std::to_string(bytes.size()));
  }
  auto handle = find_index(esys, index);
  if (!handle && handle.error().code == Errc::not_found) handle = define_index(esys, index, bytes.size());
  if (!handle) return std::unexpected(std::move(handle).error());

  TPM2B_NV_PUBLIC* raw_public = nullptr;
  TPM2B_NAME* raw_name = nullptr;
  ATTESTD_CHECK(tpm_check(
      Esys_NV_ReadPublic(esys, handle->get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw_public, &raw_name),
      "read the attributes of " + index_name(index)));
  const EsysPointer<TPM2B_NV_PUBLIC> area(raw_public);
  const EsysPointer<TPM2B_NAME> name(raw_name);
  if (area->nvPublic.dataSize != bytes.size()) {
    return fail(Errc::mismatch, index_name(index) + " has " + std::to_string(area->nvPublic.dataSize) +
                                    " bytes, not the " + std::to_string(bytes.size()) + " that it shall hold");
  }
  const TPMA_NV attributes = area->nvPublic.attributes;
  if ((attributes & (TPMA_NV_AUTHWRITE | TPMA_NV_OWNERWRITE)) == 0) {
    return fail(Errc::permission,
                index_name(index) + " can be written neither with its own nor with the owner's authorization");
  }
  // Both authorization values are empty unless somebody set them.
  const ESYS_TR authorization = (attributes & TPMA_NV_AUTHWRITE) != 0 ? handle->get() : ESYS_TR_RH_OWNER;
  TPM2B_MAX_NV_BUFFER data = {};
  data.size = static_cast<std::uint16_t>(bytes.size());
  std::memcpy(data.buffer, bytes.data(), bytes.size());
  return tpm_check(
      Esys_NV_Write(esys, authorization, handle->get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, 0),
      "write " + index_name(index));
}

Result<Bytes> read_nv_index(ESYS_CONTEXT* esys, std::uint32_t index) {
  ATTESTD_TRY(const EsysHandle handle, find_index(esys, index));

  TPM2B_NV_PUBLIC* raw_public = nullptr;
  TPM2B_NAME* raw_name = nullptr;
  ATTESTD_CHECK(tpm_check(
      Esys_NV_ReadPublic(esys, handle.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw_public, &raw_name),
      "read the attributes of " + index_name(index)));
  const EsysPointer<TPM2B_NV_PUBLIC> nv_public(raw_public);
  const EsysPointer<TPM2B_NAME> name(raw_name);
  const TPMA_NV attributes = nv_public->nvPublic.attributes;
  if ((attributes & TPMA_NV_WRITTEN) == 0) {
    return fail(Errc::not_found, index_name(index) + " is defined but was never written");
  }
  if ((attributes & (TPMA_NV_AUTHREAD | TPMA_NV_OWNERREAD)) == 0) {
    return fail(Errc::permission,
                index_name(index) + " can be read neither with its own nor with the owner's authorization");
  }
  // Both authorization values are empty unless somebody set them.
  const ESYS_TR authorization = (attributes & TPMA_NV_AUTHREAD) != 0 ? handle.get() : ESYS_TR_RH_OWNER;

  ATTESTD_TRY(const std::uint16_t chunk, largest_read(esys));
  Bytes out;
  while (out.size() < nv_public->nvPublic.dataSize) {
    const auto offset = static_cast<std::uint16_t>(out.size());
    const std::uint16_t wanted = std::min(chunk, static_cast<std::uint16_t>(nv_public->nvPublic.dataSize - offset));
    TPM2B_MAX_NV_BUFFER* raw_data = nullptr;
    ATTESTD_CHECK(tpm_check(Esys_NV_Read(esys, authorization, handle.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                         ESYS_TR_NONE, wanted, offset, &raw_data),
                            "read " + index_name(index)));
    const EsysPointer<TPM2B_MAX_NV_BUFFER> data(raw_data);
    if (data->size == 0 || data->size > wanted) {
      return fail(Errc::malformed, "the TPM returned " + std::to_string(data->size) + " bytes of " + index_name(index) +
                                       " where " + std::to_string(wanted) + " were asked for");
    }
    const auto bytes = std::as_bytes(std::span(data->buffer, data->size));
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  return out;
}

}  // namespace attestd::hwio
