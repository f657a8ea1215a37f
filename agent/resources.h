// The resources that attestd and its gateway have: docs/api.md.
#pragma once

#include <optional>
#include <string_view>

#include "net/problem.h"

namespace attestd::agent {

inline constexpr std::string_view evidence_resource = "/v1/evidence";

// Whether the method only reads: GET and HEAD.
bool is_reading(std::string_view method);
// What is wrong with a request of this method for this path: not-found,
// method-not-allowed; or nothing.
std::optional<Problem> check_resource(std::string_view method, std::string_view path);

}  // namespace attestd::agent
