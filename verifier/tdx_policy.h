// Is a genuine TD quote as the owner expects? (verifier/tdx.h says whether it is
// genuine.) The policy's [tdx]:
//
//   debug = false                    may the TD be under debug, so that the host reads its memory?
//   migratable = false               may it be moved elsewhere, or a service TD be bound to it?
//   sept-ve-disable = true           the attribute must be so; left out: either
//   xfam = ["hex of 8 bytes"]        any of them, as the number is written; left out: any value
//   tcb-status = ["UpToDate"]        the default; which of Intel's TCB statuses are accepted
//   mrseam = ["hex of 48 bytes"]     accepted TDX modules; left out: those that Intel's TCB info accepts
//   mrconfigid, mrowner, mrownerconfig = ["hex of 48 bytes"]   as xfam
//   [[tdx.measurement]]              MRTD; any of them; none at all: initial_state is unknown
//   value, origin, comment           as [[snp.measurement]]
//   [tdx.rtmrs]
//   0 = "hex of 48 bytes"            0 to 3: the register must have this value
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "verifier/reference.h"
#include "verifier/tdx.h"

namespace attestd {

struct TdxPolicy {
  bool allow_debug = false;
  bool allow_migration = false;
  std::optional<bool> sept_ve_disable;  // must be so, when given
  std::vector<Bytes> xfam;              // 8 bytes, big-endian; any of them, when given
  std::set<std::string> tcb_statuses = {"UpToDate"};
  std::vector<Bytes> mrseam;  // 48 bytes each; any of them, when given
  std::vector<Bytes> mrconfigid;
  std::vector<Bytes> mrowner;
  std::vector<Bytes> mrownerconfig;
  std::vector<ReferenceMeasurement> measurements;  // MRTD
  std::map<unsigned, Bytes> rtmrs;
};

// tdx.tcb, tdx.policy, tdx.measurement, tdx.rtmrs: always these four. `cc_event_log`
// is the log area, empty when there is none: then registers are compared with the
// policy's values alone.
std::vector<Check> check_tdx_policy(const TdxVerification& verification, const TdxPolicy& policy,
                                    ByteView cc_event_log);

// The reference that the quote's MRTD equals, or nothing.
const ReferenceMeasurement* find_reference(const TdQuoteBody& body, const TdxPolicy& policy);

// For `policy explain`: what [tdx] demands for questions 1, 2 and 3, sentence by
// sentence; 2 and 3 are empty when it demands nothing there.
std::string explain_tdx_hardware(const TdxPolicy& policy);
std::string explain_tdx_initial_state(const TdxPolicy& policy);
std::string explain_tdx_boot_chain(const TdxPolicy& policy);

}  // namespace attestd
