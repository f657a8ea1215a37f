// Is a genuine SNP report as the owner expects? (verifier/snp.h says whether it
// is genuine.)
#pragma once

#include <vector>

#include "verifier/policy.h"
#include "verifier/snp.h"
#include "verifier/verdict.h"

namespace attestd {

// snp.policy, snp.tcb-minimum, snp.measurement: always these three. `policy` may
// be the default one, which has no minimum and no reference: those are skipped.
std::vector<Check> check_snp_policy(const SnpVerification& verification, const Policy& policy);

// The reference that the report's launch digest equals, or nothing.
const ReferenceMeasurement* find_reference(const SnpReport& report, const Policy& policy);

}  // namespace attestd
