// The five answers as JSON. For .cpp files only.
#pragma once

#include <boost/json/object.hpp>

#include "broker/attestation_result.h"

namespace attestd::broker {

// {"hardware": "yes", …}
boost::json::object answers_to_json(const FiveAnswers& answers);

}  // namespace attestd::broker
