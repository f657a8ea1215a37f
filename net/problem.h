// What goes wrong for who asks over HTTP, as problem+json (RFC 9457).
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace attestd {

inline constexpr std::string_view problem_media_type = "application/problem+json";

// `name` is the stable end of "tag:attestd,2026:problem:NAME".
struct ProblemKind {
  std::string_view name;
  std::string_view title;
  unsigned status;           // of HTTP
  unsigned retry_after = 0;  // seconds; 0 for no such header
};

// Those of any server; each server has more of its own.
namespace problems {
inline constexpr ProblemKind malformed_http{"malformed-http", "The request is not HTTP", 400};
inline constexpr ProblemKind not_found{"not-found", "There is no such resource", 404};
inline constexpr ProblemKind method_not_allowed{"method-not-allowed", "The resource has no such method", 405};
inline constexpr ProblemKind request_timed_out{"request-timed-out", "The request did not arrive in time", 408};
inline constexpr ProblemKind body_too_large{"body-too-large", "The request body is too large", 413};
inline constexpr ProblemKind header_too_large{"header-too-large", "The request header is too large", 431};
inline constexpr ProblemKind too_many_requests{"too-many-requests", "The address asks for too much at once", 429, 1};
inline constexpr ProblemKind internal{"internal", "The server failed", 500};
inline constexpr ProblemKind overloaded{"overloaded", "Too many requests at once", 503, 1};
}  // namespace problems

struct Problem {
  ProblemKind kind;
  std::string detail;  // one sentence: what failed, where, what to do
  std::string allow;   // of method-not-allowed: the methods
};

inline std::unexpected<Problem> refuse(const ProblemKind& kind, std::string detail) {
  return std::unexpected(Problem{kind, std::move(detail), {}});
}

std::string problem_json(const Problem& problem);

}  // namespace attestd
