// The policy's [nitro] table, and what `policy init` pins of an attestation document.
#include "evidence/cose_sign1.h"
#include "evidence/nitro_document.h"
#include "verifier/policy_internal.h"
#include "verifier/policy_write_internal.h"

namespace attestd {
namespace {

// A TOML basic string: module IDs are ASCII without quotes, but the host wrote this one.
bool plain(std::string_view text) {
  return text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:") ==
         std::string_view::npos;
}

}  // namespace

Result<void> read_nitro(TomlSection& document, Policy& policy) {
  ATTESTD_TRY(auto section, document.section("nitro"));
  if (!section) return {};
  ATTESTD_TRY(const auto modules, section->strings("modules"));
  if (modules) policy.nitro_modules = {modules->begin(), modules->end()};
  return section->finish();
}

Result<std::string> nitro_policy_section(const Bundle& bundle) {
  if (bundle.nitro_document.empty()) return std::string();
  ATTESTD_TRY(const CoseSign1 message, parse_cose_sign1(bundle.nitro_document));
  ATTESTD_TRY(const NitroDocument document, parse_nitro_document(message.payload));
  if (!plain(document.module_id)) return std::string();
  return "[nitro]\n# Pinned blindly: this instance, by the name that the Nitro hypervisor signs. Leave it\n"
         "# out to accept any instance that shows the same PCRs.\nmodules = [\"" +
         document.module_id + "\"]\n\n";
}

}  // namespace attestd
