// UnlockClaim as a member of JSON objects. For .cpp files only.
#pragma once

#include <boost/json/object.hpp>

#include "evidence/json_internal.h"
#include "evidence/statement.h"

namespace attestd {

// {"jkt": base64url of 32 bytes, "volume": {"uuid", "header_sha256": base64url of 32 bytes,
// "counter": whole number or absent} or absent}. Errors: malformed, out_of_range.
Result<UnlockClaim> decode_unlock(const JsonMembers& members);
boost::json::object unlock_to_json(const UnlockClaim& claim);
// Its "volume" alone.
Result<UnlockClaim::Volume> decode_volume(const JsonMembers& members);
boost::json::object volume_to_json(const UnlockClaim::Volume& volume);

}  // namespace attestd
