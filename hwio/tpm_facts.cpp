#include "hwio/tpm_facts.h"

#include "hwio/tpm_context.h"

namespace attestd::hwio {
namespace {

constexpr std::uint32_t handles_at_once = 64;

Result<EsysPointer<TPMS_CAPABILITY_DATA>> capability(ESYS_CONTEXT* esys, TPM2_CAP kind, std::uint32_t first,
                                                     std::uint32_t count, bool& more) {
  TPMI_YES_NO further = TPM2_NO;
  TPMS_CAPABILITY_DATA* raw = nullptr;
  ATTESTD_CHECK(
      tpm_check(Esys_GetCapability(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, kind, first, count, &further, &raw),
                "ask the TPM what it is"));
  more = further == TPM2_YES;
  return EsysPointer<TPMS_CAPABILITY_DATA>(raw);
}

// TPM 2.0 part 2, 6.13: four characters, the first in the most significant byte.
Result<std::string> manufacturer(ESYS_CONTEXT* esys) {
  bool more = false;
  ATTESTD_TRY(const auto data, capability(esys, TPM2_CAP_TPM_PROPERTIES, TPM2_PT_MANUFACTURER, 1, more));
  const auto& properties = data->data.tpmProperties;
  std::string out;
  if (properties.count == 0 || properties.tpmProperty[0].property != TPM2_PT_MANUFACTURER) return out;
  for (unsigned shift = 32; shift > 0; shift -= 8) {
    const auto c = static_cast<char>(properties.tpmProperty[0].value >> (shift - 8) & 0xffU);
    if (c > ' ' && c <= '~') out += c;
  }
  return out;
}

}  // namespace

Result<TpmFacts> read_tpm_facts(const std::string& tcti, const std::set<std::uint32_t>& contents_of) {
  ATTESTD_TRY(const TpmContext context, TpmContext::open(tcti));
  TpmFacts facts;
  ATTESTD_TRY(facts.manufacturer, manufacturer(context.get()));
  std::uint32_t next = TPM2_NV_INDEX_FIRST;
  for (bool more = true; more;) {
    ATTESTD_TRY(const auto data, capability(context.get(), TPM2_CAP_HANDLES, next, handles_at_once, more));
    const TPML_HANDLE& handles = data->data.handles;
    for (std::uint32_t i = 0; i < handles.count; ++i) facts.nv_indices.insert(handles.handle[i]);
    if (handles.count == 0) break;
    // A TPM that starts over would never end.
    const std::uint32_t last = handles.handle[handles.count - 1];
    if (last < next) break;
    next = last + 1;
  }
  for (const std::uint32_t index : contents_of) {
    if (!facts.nv_indices.contains(index)) continue;
    if (auto bytes = read_nv_index(context.get(), index)) facts.contents[index] = *std::move(bytes);
  }
  return facts;
}

}  // namespace attestd::hwio
