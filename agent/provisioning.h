// Which provisioning agent ran, and where it took its data from.
#pragma once

#include <string>
#include <string_view>

#include "evidence/statement.h"

namespace attestd::agent {

// From cloud-init's own records below `root` ("" for the running system):
// /run/cloud-init/status.json and result.json. Agent "none" when it is not
// installed, is disabled or did not run. Its files are as trustworthy as the
// system that wrote them: the claim is information for the verifier.
ProvisioningClaim read_provisioning(const std::string& root);

// From the text of status.json. Pure. Errors: malformed.
Result<ProvisioningClaim> parse_cloud_init_status(std::string_view json);

}  // namespace attestd::agent
