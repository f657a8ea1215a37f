#include <boost/json/value.hpp>
#include <string>

#include "base/encoding.h"
#include "client/describe.h"
#include "evidence/json_internal.h"
#include "evidence/svsm_manifest.h"
#include "evidence/tpm_json.h"

namespace attestd {
namespace {

namespace json = boost::json;

json::object describe_service(const SvsmService& service) {
  json::object out{{"guid", service.guid}};
  if (service.guid == svsm_vtpm_guid) out["service"] = "vTPM";
  out["size"] = service.manifest.size();
  // Only the vTPM's has a form that is known here.
  if (service.guid != svsm_vtpm_guid) out["manifest"] = to_hex(service.manifest);
  return out;
}

}  // namespace

Result<json::value> describe_svsm_manifest(ByteView bytes) {
  json::object out{{"type", "svsm-manifest"}, {"size", bytes.size()}};
  if (is_svsm_services(bytes)) {
    ATTESTD_TRY(const std::vector<SvsmService> services, parse_svsm_services(bytes));
    json::array listed;
    bool vtpm = false;
    for (const SvsmService& service : services) {
      vtpm = vtpm || (service.guid == svsm_vtpm_guid && !service.manifest.empty());
      listed.emplace_back(describe_service(service));
    }
    out["services"] = std::move(listed);
    if (!vtpm) return out;
  }
  ATTESTD_TRY(const TpmPublic key, svsm_endorsement_key(bytes));
  ATTESTD_TRY(out["endorsement_key"], parse_json(tpm_public_to_json(key)));
  return out;
}

}  // namespace attestd
