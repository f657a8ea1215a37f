// What a cloud puts into its virtual TPMs before a guest starts: keys at persistent
// handles, NV indices with certificates and reports.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace attestd::sim {

// swtpm (libtpms) has no larger index.
inline constexpr std::size_t software_tpm_nv_limit = 2048;

// An RSA-2048 restricted signing key (RSASSA, SHA-256) at `handle`, made when it is
// not there. Gives its TPMT_PUBLIC. Errors: unavailable, tpm.
Result<Bytes> keep_rsa_attestation_key(const std::string& tcti, std::uint32_t handle);

// An NV index with these contents, in place of what was there: who has the TPM may
// read it, with the index's own or the owner's (empty) authorization. Errors:
// out_of_range (over the limit), unavailable, tpm.
Result<void> store_nv(const std::string& tcti, std::uint32_t index, ByteView contents);

}  // namespace attestd::sim
