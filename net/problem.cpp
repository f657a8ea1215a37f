#include "net/problem.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "evidence/json_strict.h"

namespace attestd {

std::string problem_json(const Problem& problem) {
  return boost::json::serialize(boost::json::value{
      {"type", "tag:attestd,2026:problem:" + std::string(problem.kind.name)},
      {"title", problem.kind.title},
      {"status", problem.kind.status},
      {"detail", to_valid_utf8(problem.detail)},
  });
}

}  // namespace attestd
