#include <boost/json/value.hpp>

#include "client/commands.h"
#include "client/http.h"
#include "client/render.h"
#include "client/source.h"
#include "evidence/json_internal.h"

namespace attestd {
namespace {

constexpr std::size_t status_limit = std::size_t{1} << 20U;  // bytes

}  // namespace

Result<int> run_status(const CommonOptions& common, const StatusOptions& options) {
  ATTESTD_TRY(const std::string socket, agent_socket(options.socket));
  ATTESTD_TRY(
      const std::string body,
      http_exchange(
          {.socket = socket, .target = "/v1/status", .body = {}, .timeout = common.timeout, .limit = status_limit}));
  auto status = parse_json(body);
  if (!status) return std::unexpected(std::move(status).error().in("the status from " + socket));
  if (common.json) {
    ATTESTD_CHECK(print(printable_json(body.ends_with('\n') ? body : body + "\n")));
  } else {
    ATTESTD_CHECK(print(render(*status, use_colour(common.colour))));
  }
  return 0;
}

}  // namespace attestd
