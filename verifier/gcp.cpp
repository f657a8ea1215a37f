#include "verifier/gcp.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "evidence/json_strict.h"

namespace attestd {
namespace json = boost::json;
namespace {

json::object instance_object(const GceInstance& instance) {
  json::object out{{"zone", to_valid_utf8(instance.zone)},
                   {"project_number", instance.project_number},
                   {"project_id", to_valid_utf8(instance.project_id)},
                   {"instance_id", instance.instance_id},
                   {"instance_name", to_valid_utf8(instance.instance_name)}};
  if (instance.security_version) out["security_version"] = *instance.security_version;
  if (instance.production) out["production"] = *instance.production;
  return out;
}

}  // namespace

Check check_gcp_instance(const TpmKeyCertificate* certificate, const GcpPolicy& policy) {
  const std::string id = "gcp.instance";
  if (certificate == nullptr) {
    return {id, CheckResult::skipped, "no certificate of the attestation key was verified that could name an instance"};
  }
  if (!certificate->instance) {
    // Some other platform's certificate: nobody can tell whose instance this is.
    return {id, CheckResult::skipped, "the attestation key's certificate names no instance"};
  }
  const GceInstance& instance = *certificate->instance;
  const struct {
    std::string_view what;
    const std::set<std::string>& accepted;
    std::string found;
  } demands[] = {
      {"project", policy.project_ids, instance.project_id},
      {"project number", policy.project_numbers, std::to_string(instance.project_number)},
      {"instance number", policy.instance_ids, std::to_string(instance.instance_id)},
      {"instance name", policy.instance_names, instance.instance_name},
      {"zone", policy.zones, instance.zone},
  };
  for (const auto& demand : demands) {
    if (!demand.accepted.empty() && !demand.accepted.contains(demand.found)) {
      return {id, CheckResult::fail,
              "the certified " + std::string(demand.what) + " is " + escape_text(demand.found) +
                  ", not one that the policy accepts"};
    }
  }
  if (policy.production && instance.production != policy.production) {
    return {id, CheckResult::fail,
            *policy.production ? "the certificate is not of a production instance"
                               : "the certificate is of a production instance"};
  }
  return {id, CheckResult::pass,
          describe_gcp_instance(instance) +
              (policy.demands_nothing() ? "; the policy accepts any" : "; the policy accepts it")};
}

std::string describe_gcp_instance(const GceInstance& instance) {
  return "certified for instance " + escape_text(instance.instance_name) + " (" + std::to_string(instance.instance_id) +
         ") of project " + escape_text(instance.project_id) + " in " + escape_text(instance.zone);
}

std::string gce_instance_json(const GceInstance& instance) { return json::serialize(instance_object(instance)); }

std::string ak_certificate_claims_json(const TpmKeyCertificate& certificate) {
  json::object out{{"root", to_valid_utf8(certificate.root_name)},
                   {"validity", json::array{certificate.not_before, certificate.not_after}}};
  if (certificate.instance) out["instance"] = instance_object(*certificate.instance);
  return json::serialize(out);
}

}  // namespace attestd
