#include "agent/resources.h"

#include <algorithm>
#include <array>

namespace attestd::agent {
namespace {

constexpr std::array<std::string_view, 4> resources{"/v1/status", "/v1/health", "/metrics", evidence_resource};

}  // namespace

bool is_reading(std::string_view method) { return method == "GET" || method == "HEAD"; }

std::optional<Problem> check_resource(std::string_view method, std::string_view path) {
  if (std::ranges::find(resources, path) == resources.end()) {
    return Problem{problems::not_found, "attestd has /v1/status, /v1/health, /metrics and /v1/evidence", {}};
  }
  const bool takes_post = path == evidence_resource;
  if (is_reading(method) || (takes_post && method == "POST")) return std::nullopt;
  const std::string allow = takes_post ? "GET, HEAD, POST" : "GET, HEAD";
  return Problem{problems::method_not_allowed, std::string(path) + " has " + allow, allow};
}

}  // namespace attestd::agent
