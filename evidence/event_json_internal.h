// Events of logs as JSON. For .cpp files only.
#pragma once

#include <boost/json/object.hpp>
#include <utility>
#include <vector>

#include "evidence/event_log.h"

namespace attestd {

boost::json::object digests_to_json(const std::vector<EventDigest>& digests);  // {bank:hex}
// {"offset",`place`,"type","digests":{bank:hex},"data"(hex),"text"?,"data_matches"};
// `place` is the member that says which register was extended.
boost::json::object event_to_json(const Event& event, std::pair<const char*, boost::json::value> place);

}  // namespace attestd
