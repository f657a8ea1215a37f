// The policy's [gcp] and [svsm] tables.
#include "base/encoding.h"
#include "verifier/policy_internal.h"

namespace attestd {
namespace {

constexpr std::size_t name_size = 34;  // of a TPM name with SHA-256, bytes

Result<void> read_set(TomlSection& section, std::string_view key, std::set<std::string>& into) {
  ATTESTD_TRY(const auto values, section.strings(key));
  if (values) into = std::set<std::string>(values->begin(), values->end());
  return {};
}

// Numbers of 64 bits do not fit TOML's: they are texts of decimal digits.
Result<void> read_numbers(TomlSection& section, std::string_view key, std::set<std::string>& into) {
  ATTESTD_CHECK(read_set(section, key, into));
  for (const std::string& number : into) {
    if (number.empty() || number.find_first_not_of("0123456789") != std::string::npos) {
      return toml_error(*section.find(key), Errc::malformed, section.place(key) + " is not a list of decimal numbers");
    }
  }
  return {};
}

}  // namespace

Result<void> read_gcp_policy(TomlSection& document, Policy& policy) {
  ATTESTD_TRY(auto section, document.section("gcp"));
  if (!section) return {};
  ATTESTD_CHECK(read_set(*section, "project-ids", policy.gcp.project_ids));
  ATTESTD_CHECK(read_numbers(*section, "project-numbers", policy.gcp.project_numbers));
  ATTESTD_CHECK(read_numbers(*section, "instance-ids", policy.gcp.instance_ids));
  ATTESTD_CHECK(read_set(*section, "instance-names", policy.gcp.instance_names));
  ATTESTD_CHECK(read_set(*section, "zones", policy.gcp.zones));
  ATTESTD_TRY(policy.gcp.production, section->boolean("production"));
  return section->finish();
}

Result<void> read_svsm_policy(TomlSection& document, Policy& policy) {
  ATTESTD_TRY(auto section, document.section("svsm"));
  if (!section) return {};
  ATTESTD_TRY(auto states, section->names("states", {"ephemeral", "stateful"}));
  assign(policy.svsm.states, std::move(states));
  ATTESTD_TRY(auto keys, section->hex_list("endorsement-keys", name_size));
  assign(policy.svsm.endorsement_keys, std::move(keys));
  return section->finish();
}

}  // namespace attestd
