// StatementChannel as a member of JSON objects. For .cpp files only.
#pragma once

#include <boost/json/object.hpp>

#include "evidence/json_internal.h"
#include "evidence/statement.h"

namespace attestd {

// Both values are base64url; "tls_exporter" may be absent. Errors: malformed,
// out_of_range (not 32 bytes).
Result<StatementChannel> decode_channel(const JsonMembers& members);
boost::json::object channel_to_json(const StatementChannel& channel);

}  // namespace attestd
