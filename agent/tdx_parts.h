// What attestd does with a TD's quote beside passing it on.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/devices.h"
#include "hwio/tdx_guest.h"

namespace attestd::agent {

// The CC event log from `path` (the CCEL's log area), cut after its last event. A
// log that is not there is no error: the verifier says what it cannot tell then.
ReportPart cc_event_log_part(std::string path);

using TdxGuestOpener = std::function<Result<std::unique_ptr<hwio::IoctlDevice>>()>;
// The host passes our TDREPORT to its quoting service, so the quote may be of
// another TD: this compares what launch has fixed (MRTD, owner's and configuration
// registers, attributes, XFAM) with a TDREPORT of our own. Where there is no device
// nothing is compared; who asked for the evidence verifies it in any case. Error:
// mismatch, which names the first field that differs.
ReportPart same_td_part(TdxGuestOpener open);

}  // namespace attestd::agent
