// What Google certified of the instance that a vTPM's attestation key belongs to.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "verifier/ak_certificate.h"
#include "verifier/verdict.h"

namespace attestd {

// Of a policy's [gcp]: any of each, when given. Nothing is demanded by default.
struct GcpPolicy {
  std::set<std::string> project_ids;
  std::set<std::string> project_numbers;  // decimal
  std::set<std::string> instance_ids;     // decimal
  std::set<std::string> instance_names;
  std::set<std::string> zones;
  std::optional<bool> production;
  [[nodiscard]] bool demands_nothing() const {
    return project_ids.empty() && project_numbers.empty() && instance_ids.empty() && instance_names.empty() &&
           zones.empty() && !production;
  }
};

// gcp.instance: the certified identity is one that the policy accepts. Null: skipped.
Check check_gcp_instance(const TpmKeyCertificate* certificate, const GcpPolicy& policy);
// One sentence: "Google certified … for instance …".
std::string describe_gcp_instance(const GceInstance& instance);
// A JSON object with a member for each field.
std::string gce_instance_json(const GceInstance& instance);
std::string ak_certificate_claims_json(const TpmKeyCertificate& certificate);

}  // namespace attestd
