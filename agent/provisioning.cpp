#include "agent/provisioning.h"

#include <unistd.h>

#include "base/file.h"
#include "evidence/json_internal.h"

namespace attestd::agent {
namespace {

constexpr std::size_t status_limit = std::size_t{1} << 20U;  // bytes

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

Result<ProvisioningClaim> parse_cloud_init_status(std::string_view json) {
  ATTESTD_TRY(const boost::json::value value, parse_json(json));
  ATTESTD_TRY(const JsonMembers root, JsonMembers::of(value, "status"));
  ATTESTD_TRY(const boost::json::value* const v1, root.member("v1"));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(*v1, "status.v1"));
  ProvisioningClaim claim{"cloud-init", {}, {}};
  // null until the datasource is found, and "DataSourceNoCloud [seed=…]" then.
  if (const boost::json::value* const found = members.find("datasource"); found != nullptr && found->is_string()) {
    const std::string_view text(found->get_string());
    const std::size_t blank = text.find(' ');
    claim.datasource = text.substr(0, blank);
    if (blank != std::string_view::npos) claim.detail = text.substr(blank + 1);
  }
  if (const boost::json::value* const stage = members.find("stage"); stage != nullptr && stage->is_string()) {
    claim.detail += (claim.detail.empty() ? "" : ", ") + ("in stage " + std::string(stage->get_string()));
  }
  return claim;
}

ProvisioningClaim read_provisioning(const std::string& root) {
  const std::string folder = root + "/run/cloud-init/";
  const auto status = read_file(folder + "status.json", status_limit);
  if (!status) {
    if (status.error().code != Errc::not_found) return {"cloud-init", {}, status.error().text()};
    if (exists(folder + "disabled")) return {"none", {}, "cloud-init is installed and disabled"};
    const bool installed = exists(root + "/usr/bin/cloud-init");
    return {"none", {}, installed ? "cloud-init is installed and did not run" : "cloud-init is not installed"};
  }
  auto claim = parse_cloud_init_status(as_text(*status));
  if (!claim) return {"cloud-init", {}, "its status.json cannot be read: " + claim.error().text()};
  if (!exists(folder + "result.json")) claim->detail += claim->detail.empty() ? "not finished" : ", not finished";
  return *std::move(claim);
}

}  // namespace attestd::agent
