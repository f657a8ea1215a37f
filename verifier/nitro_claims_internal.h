// What an attestation document says, for the claims. For .cpp files only.
#pragma once

#include <boost/json/object.hpp>

#include "verifier/nitro.h"

namespace attestd {

// Empty without a document. Nothing here is to be believed before the checks are looked at.
boost::json::object nitro_claims(const NitroVerification& verification);

}  // namespace attestd
