// Internal to attestd-unlock: what its ways to a key have in common.
#pragma once

#include "unlock/machine.h"
#include "unlock/program.h"
#include "unlock/volume.h"

namespace attestd::unlock {

// By the command line or crypttab. Errors: those of volume_uuid().
Result<std::string> uuid_of(const ProgramOptions& options, const std::string& name);
// What is asked of the relying party that the settings name. Errors: usage (they name none, or no certificate), those
// of parse_https_url() and parse_resource_path().
Result<ReleaseRequest> request_of(const Settings& settings, const std::string& uuid);
// Of who asks the relying party at `url`: no longer than it takes the network to come.
Patience patience(const std::string& url);

}  // namespace attestd::unlock
