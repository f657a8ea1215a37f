#include "hwio/tpm_pcrs.h"

#include <openssl/evp.h>

#include <algorithm>

#include "hwio/tpm_context.h"

namespace attestd::hwio {
namespace {

constexpr unsigned pcr_count = 24;  // PC client profile
constexpr std::uint8_t select_size = pcr_count / 8;

void select(TPMS_PCR_SELECTION& bank, unsigned pcr, bool on) {
  const unsigned bit = 1U << (pcr % 8);
  const unsigned byte = bank.pcrSelect[pcr / 8];
  bank.pcrSelect[pcr / 8] = static_cast<BYTE>(on ? byte | bit : byte & ~bit);
}

bool empty(const TPMS_PCR_SELECTION& bank) {
  for (unsigned pcr = 0; pcr < pcr_count; ++pcr) {
    if (selected(bank, pcr)) return false;
  }
  return true;
}

}  // namespace

bool selected(const TPMS_PCR_SELECTION& bank, unsigned pcr) {
  return pcr / 8 < bank.sizeofSelect && pcr / 8 < TPM2_PCR_SELECT_MAX &&
         (unsigned{bank.pcrSelect[pcr / 8]} >> (pcr % 8) & 1U) != 0;
}

Result<std::vector<TPMS_PCR_SELECTION>> assigned_banks(ESYS_CONTEXT* esys) {
  TPMI_YES_NO more = TPM2_NO;
  TPMS_CAPABILITY_DATA* raw = nullptr;
  ATTESTD_CHECK(tpm_check(Esys_GetCapability(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_PCRS, 0,
                                             TPM2_MAX_CAP_BUFFER, &more, &raw),
                          "ask the TPM for its PCR banks"));
  const EsysPointer<TPMS_CAPABILITY_DATA> data(raw);
  const auto* const begin = data->data.assignedPCR.pcrSelections;
  return std::vector(begin, begin + std::min<std::uint32_t>(data->data.assignedPCR.count, TPM2_NUM_PCR_BANKS));
}

Result<TPML_PCR_SELECTION> select_pcrs(ESYS_CONTEXT* esys, const std::vector<std::uint16_t>& banks,
                                       const std::vector<unsigned>& pcrs) {
  ATTESTD_TRY(const std::vector<TPMS_PCR_SELECTION> assigned, assigned_banks(esys));

  TPML_PCR_SELECTION selection = {};
  for (const std::uint16_t bank : banks) {
    const auto active = std::ranges::find(assigned, bank, &TPMS_PCR_SELECTION::hash);
    if (active == assigned.end() || selection.count == TPM2_NUM_PCR_BANKS) continue;
    TPMS_PCR_SELECTION wanted = {};
    wanted.hash = bank;
    wanted.sizeofSelect = select_size;
    for (const unsigned pcr : pcrs) {
      if (pcr >= pcr_count) return fail(Errc::usage, "there is no PCR " + std::to_string(pcr));
      if (selected(*active, pcr)) select(wanted, pcr, true);
    }
    if (!empty(wanted)) selection.pcrSelections[selection.count++] = wanted;
  }
  if (selection.count == 0) return fail(Errc::unsupported, "the TPM has none of the configured PCR banks active");
  return selection;
}

Result<TpmPcrs> read_pcrs(ESYS_CONTEXT* esys, const TPML_PCR_SELECTION& selection) {
  TpmPcrs pcrs;
  TPML_PCR_SELECTION missing = selection;
  const auto all_read = [&] {
    return std::all_of(missing.pcrSelections, missing.pcrSelections + missing.count, empty);
  };
  // One TPM2_PCR_Read returns eight values at most, and says which.
  while (!all_read()) {
    std::uint32_t counter = 0;
    TPML_PCR_SELECTION* raw_selection = nullptr;
    TPML_DIGEST* raw_values = nullptr;
    ATTESTD_CHECK(tpm_check(
        Esys_PCR_Read(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &missing, &counter, &raw_selection, &raw_values),
        "read PCRs"));
    const EsysPointer<TPML_PCR_SELECTION> returned(raw_selection);
    const EsysPointer<TPML_DIGEST> values(raw_values);
    std::uint32_t next = 0;
    for (std::uint32_t i = 0; i < std::min<std::uint32_t>(returned->count, TPM2_NUM_PCR_BANKS); ++i) {
      const TPMS_PCR_SELECTION& bank = returned->pcrSelections[i];
      auto* const bank_end = missing.pcrSelections + missing.count;
      auto* const wanted =
          std::find_if(missing.pcrSelections, bank_end, [&](const auto& item) { return item.hash == bank.hash; });
      for (unsigned pcr = 0; pcr < pcr_count; ++pcr) {
        if (!selected(bank, pcr)) continue;
        if (wanted == bank_end || !selected(*wanted, pcr) || next >= values->count) {
          return fail(Errc::malformed, "the TPM returned other PCRs than those asked for");
        }
        const TPM2B_DIGEST& value = values->digests[next++];
        pcrs[bank.hash][pcr] = to_bytes(std::as_bytes(std::span(value.buffer, value.size)));
        select(*wanted, pcr, false);
      }
    }
    if (next == 0) return fail(Errc::malformed, "the TPM returned no PCRs");
  }
  return pcrs;
}

Result<Bytes> pcr_composite_digest(const TPML_PCR_SELECTION& selection, const TpmPcrs& pcrs) {
  Bytes values;
  for (std::uint32_t i = 0; i < selection.count; ++i) {
    const auto bank = pcrs.find(selection.pcrSelections[i].hash);
    if (bank == pcrs.end()) return fail(Errc::internal, "a selected PCR bank was not read");
    for (const auto& [pcr, value] : bank->second) values.insert(values.end(), value.begin(), value.end());
  }
  Bytes digest(32);
  unsigned size = 0;
  if (EVP_Digest(values.data(), values.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(),
                 nullptr) != 1 ||
      size != digest.size()) {
    return fail(Errc::crypto, "cannot compute a SHA-256 digest");
  }
  return digest;
}

}  // namespace attestd::hwio
