// The policy's tables, each in a file of its own. A table that is not there
// changes nothing; unknown keys are errors that name their place.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "verifier/policy.h"
#include "verifier/toml_internal.h"

namespace attestd {

// Overwrites `to` when the key was there.
template <class T, class U>
void assign(T& to, std::optional<U> value) {
  if (value) to = *std::move(value);
}

// [[…measurement]]: value, origin and comment of each; 48-byte values.
Result<void> read_measurements(TomlSection& hardware, std::vector<ReferenceMeasurement>& into);

Result<void> read_nitro(TomlSection& document, Policy& policy);
Result<void> read_snp(TomlSection& document, Policy& policy);
Result<void> read_tdx_policy(TomlSection& document, Policy& policy);
Result<void> read_azure_policy(TomlSection& document, Policy& policy);
Result<void> read_gcp_policy(TomlSection& document, Policy& policy);
Result<void> read_svsm_policy(TomlSection& document, Policy& policy);

}  // namespace attestd
