// Internal to hwio: banks, selections and values of PCRs.
#pragma once

#include <tss2/tss2_esys.h>

#include <cstdint>
#include <vector>

#include "hwio/tpm.h"

namespace attestd::hwio {

// The banks that the TPM has, each with its active PCRs. TPM2_GetCapability(TPM_CAP_PCRS). Error: tpm.
Result<std::vector<TPMS_PCR_SELECTION>> assigned_banks(ESYS_CONTEXT* esys);
bool selected(const TPMS_PCR_SELECTION& bank, unsigned pcr);

// The wanted banks that the TPM has active, in order, each with those of the
// wanted PCRs that it has. `unsupported` when no bank is left.
Result<TPML_PCR_SELECTION> select_pcrs(ESYS_CONTEXT* esys, const std::vector<std::uint16_t>& banks,
                                       const std::vector<unsigned>& pcrs);

Result<TpmPcrs> read_pcrs(ESYS_CONTEXT* esys, const TPML_PCR_SELECTION& selection);

// SHA-256 over the values in the order of the selection: what TPM2_Quote signs
// with a SHA-256 scheme. TPM 2.0 part 1, 17.5 "Selecting multiple PCRs".
Result<Bytes> pcr_composite_digest(const TPML_PCR_SELECTION& selection, const TpmPcrs& pcrs);

}  // namespace attestd::hwio
