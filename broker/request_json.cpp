#include <algorithm>
#include <boost/json/object.hpp>

#include "broker/request_json_internal.h"
#include "broker/store_transaction.h"

namespace attestd::broker {

Result<JsonMembers> request_members(const boost::json::value& document,
                                    std::initializer_list<std::string_view> allowed) {
  ATTESTD_TRY(JsonMembers out, JsonMembers::of(document, "request"));
  for (const auto& member : document.as_object()) {
    if (std::ranges::find(allowed, std::string_view(member.key())) != allowed.end()) continue;
    std::string known;
    for (const std::string_view one : allowed) known += (known.empty() ? "" : ", ") + std::string(one);
    return fail(Errc::malformed, "request has a member besides " + known);
  }
  return out;
}

Result<std::string> requested_resource(const JsonMembers& request) {
  ATTESTD_TRY(std::string out, request.string("resource"));
  if (!is_resource_path(out)) return fail(Errc::malformed, request.place("resource") + " is not REPOSITORY/TYPE/TAG");
  return out;
}

Result<std::string> requested_token(const JsonMembers& request) {
  ATTESTD_TRY(std::string out, request.string("token"));
  if (out.size() > token_limit) return fail(Errc::out_of_range, request.place("token") + " is too long");
  return out;
}

}  // namespace attestd::broker
