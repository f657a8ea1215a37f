// Google's cloud: which attestation key the vTPM quotes with, and its certificates.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "agent/devices.h"

namespace attestd::agent {

// Of the keys that Google certified (ECC first, which a TPM makes anew in no time),
// the one whose certificate and template are both among `nv_indices`; otherwise
// nothing changes, and the quotes are by our own key.
void choose_gcp_key(const std::set<std::uint32_t>& nv_indices, hwio::TpmOptions& options);
// Adds the certificates of a PEM file to the bundle: of the issuers, which are not in
// the TPM. Errors: those of reading it, and out_of_range (more than 16).
TpmPart gcp_chain_part(std::string path);

}  // namespace attestd::agent
