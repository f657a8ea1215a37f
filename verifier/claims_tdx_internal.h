// TDX's claims. For .cpp files only.
#pragma once

#include <boost/json/object.hpp>

#include "verifier/tdx.h"

namespace attestd {

boost::json::object tdx_claims(const TdxVerification& verification);

}  // namespace attestd
