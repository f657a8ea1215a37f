// Platform configuration registers: values by bank, and how they change.
#pragma once

#include <map>
#include <vector>

#include "base/bytes.h"
#include "evidence/digest.h"

namespace attestd {

using PcrBank = std::map<unsigned, Bytes>;  // index 0..23 to its value
using PcrValues = std::map<HashAlgorithm, PcrBank>;

// One TPMS_PCR_SELECTION, indices ascending.
struct PcrSelection {
  HashAlgorithm bank = HashAlgorithm::sha256;
  std::vector<unsigned> indices;
  bool operator==(const PcrSelection&) const = default;
};

// The value at start-up: zeros; PCR 17 to 22 start as ones (TCG PC Client
// Platform TPM Profile 1.05 section 4.6.2).
Bytes pcr_initial_value(HashAlgorithm bank, unsigned index);
// H(value || digest), TPM 2.0 Library part 1 section 17.2.
void pcr_extend(HashAlgorithm bank, Bytes& value, ByteView event_digest);
// The digest in a quote: H over the selected values in selection order
// (TPM 2.0 Library part 1 section 17.3). Error: not_found when a value is missing.
Result<Bytes> pcr_composite(HashAlgorithm hash, const std::vector<PcrSelection>& selection, const PcrValues& values);

// {"sha256":{"0":"hex",…},…}: how a bundle carries values. Strict; limits 24
// indices a bank and exact digest sizes.
std::string pcr_values_to_json(const PcrValues& values);
Result<PcrValues> pcr_values_from_json(std::string_view json);

}  // namespace attestd
