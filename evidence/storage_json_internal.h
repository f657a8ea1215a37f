// The storage claims of statements and of attestd's status (docs/wire-format.md).
#pragma once

#include <boost/json/value.hpp>

#include "evidence/json_internal.h"
#include "evidence/statement.h"

namespace attestd {

boost::json::value storage_to_json(const std::vector<StorageClaim>& volumes);
// Of the member "storage", which must be there.
Result<std::vector<StorageClaim>> storage_from_json(const JsonMembers& members);

}  // namespace attestd
