// The member "vtpm" of our token. For .cpp files of luks/ only.
#pragma once

#include <boost/json/object.hpp>

#include "luks/token.h"

namespace attestd::luks {

// Errors: malformed, not_found, out_of_range.
Result<VtpmBinding> read_vtpm_binding(const boost::json::value& value);
boost::json::object vtpm_binding_json(const VtpmBinding& binding);

}  // namespace attestd::luks
