// What a TPM is, without a key or a quote: for finding out what machine this is.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "base/bytes.h"

namespace attestd::hwio {

struct TpmFacts {
  std::string manufacturer;                 // TPM_PT_MANUFACTURER: "IBM", "MSFT", printable characters only
  std::set<std::uint32_t> nv_indices;       // all that are defined
  std::map<std::uint32_t, Bytes> contents;  // of those asked for that are there and can be read
};

// Blocks for as long as the TCTI does, and keeps no connection. `tcti` as in
// hwio/tpm.h. Errors: unavailable, tpm.
Result<TpmFacts> read_tpm_facts(const std::string& tcti, const std::set<std::uint32_t>& contents_of);

}  // namespace attestd::hwio
