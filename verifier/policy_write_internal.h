// What `policy init` writes: one section for each kind of evidence, each in a file
// of its own. Empty text when the bundle has none of the kind; with an empty line
// at the end otherwise.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "evidence/event_log.h"
#include "verifier/policy.h"

namespace attestd {

Result<std::string> nitro_policy_section(const Bundle& bundle);
Result<std::string> snp_policy_section(const Bundle& bundle);
Result<std::string> tdx_policy_section(const Bundle& bundle);
Result<std::string> azure_policy_section(const Bundle& bundle);
Result<std::string> gcp_policy_section(const Bundle& bundle);
Result<std::string> svsm_policy_section(const Bundle& bundle);

// [snp] of a report, wherever it was. `vtpm_keeper` as ReferenceMeasurement::vtpm.
std::string snp_policy_of_report(const SnpReport& report, const std::optional<SnpProduct>& product,
                                 std::string_view vtpm_keeper);
// The line of a measurement that says it; nothing when it is empty.
std::string vtpm_keeper_line(std::string_view vtpm_keeper);

// What a register is for.
struct PcrUse {
  unsigned index = 0;
  bool pinned = false;  // stays the same across boots of an unchanged machine
  std::string_view use;
};
// Of PCR 9 by the firmware's log, where there is one: who measured what into it. Nothing: no known use.
std::optional<PcrUse> use_of_pcr(unsigned index, const std::optional<EventLog>& log);

// A TOML comment ends at the line's end, so nothing from evidence may contain one.
std::string policy_comment(std::string_view text);
// A basic string; all but printable ASCII is escaped.
std::string toml_text(std::string_view text);

}  // namespace attestd
