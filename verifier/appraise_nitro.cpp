// AWS's part of an appraisal: the Nitro hypervisor's word for the PCRs of the
// instance's NitroTPM, and what ties it to this bundle.
#include <algorithm>

#include "base/encoding.h"
#include "verifier/appraise_internal.h"

namespace attestd {
namespace {

Check check_kind(const NitroDocument& document) {
  if (document.kind == NitroKind::nitrotpm) {
    return {"nitro.kind", CheckResult::pass, "the registers are those of the instance's NitroTPM"};
  }
  return {"nitro.kind", CheckResult::fail,
          "this is a Nitro Enclave's document, not an instance's: it says nothing of a NitroTPM"};
}

Check check_binding(const NitroDocument& document, const Result<MerkleHash>& root) {
  const std::string id = "nitro.binding";
  if (!root) return {id, CheckResult::fail, root.error().text()};
  if (!document.nonce) return {id, CheckResult::fail, "the document carries no nonce"};
  if (!constant_time_equal(*document.nonce, *root)) {
    return {id, CheckResult::fail,
            "the document carries " + to_hex(*document.nonce) + ", the statement's root is " + to_hex(*root)};
  }
  return {id, CheckResult::pass, "the document carries the root of this statement"};
}

// Every quoted value must be the document's. One bank more in the quote, and its
// values would be the word of the attestation key alone, which the document does
// not name: a guest that was tampered with could have made that key itself.
Check check_pcrs(const NitroDocument& document, const Facts& facts) {
  const std::string id = "nitro.pcrs";
  if (!facts.tpm || !facts.tpm->pcrs || !facts.passed("tpm.signature") || !facts.passed("tpm.pcrs")) {
    return {id, CheckResult::skipped, "no quote proves values to compare"};
  }
  std::size_t equal = 0;
  for (const auto& [bank, registers] : *facts.tpm->pcrs) {
    for (const auto& [index, value] : registers) {
      const std::string name = "PCR " + std::to_string(index) + " of " + std::string(hash_name(bank));
      const auto found = document.pcrs.find(index);
      if (bank != document.digest || found == document.pcrs.end()) {
        return {id, CheckResult::fail, "the quote has " + name + ", which the document does not vouch for"};
      }
      if (!constant_time_equal(found->second, value)) {
        return {id, CheckResult::fail,
                name + " is " + to_hex(value) + " in the quote and " + to_hex(found->second) + " in the document"};
      }
      ++equal;
    }
  }
  if (equal == 0) return {id, CheckResult::fail, "the quote has no PCRs"};
  return {id, CheckResult::pass, "all " + std::to_string(equal) + " quoted values are the document's"};
}

Check check_module(const NitroDocument& document, const Policy& policy) {
  const std::string id = "nitro.module";
  if (policy.nitro_modules.empty()) return {id, CheckResult::skipped, "the policy accepts any instance"};
  if (!policy.nitro_modules.contains(document.module_id)) {
    return {id, CheckResult::fail, "the document is of '" + document.module_id + "', which the policy does not list"};
  }
  return {id, CheckResult::pass, "the document is of '" + document.module_id + "'"};
}

}  // namespace

void add_nitro_checks(Facts& facts, const Bundle& bundle, const Result<MerkleHash>& root,
                      const AppraisalContext& context) {
  if (bundle.nitro_document.empty()) {
    if (!facts.policy.nitro_modules.empty()) {
      facts.checks.push_back({"nitro.module", CheckResult::skipped, "the bundle has no attestation document of Nitro"});
    }
    return;
  }
  facts.nitro = verify_nitro(bundle.nitro_document, facts.policy.roots, context.at);
  std::vector<Check> checks = facts.nitro->checks;
  if (facts.nitro->document) {
    const NitroDocument& document = *facts.nitro->document;
    checks.push_back(check_kind(document));
    checks.push_back(check_binding(document, root));
    checks.push_back(check_pcrs(document, facts));
    checks.push_back(check_module(document, facts.policy));
  }
  // All of them: a document of another instance says nothing of this VM, so the policy
  // must name the instance. (The document binds our root, but anyone can ask for that.)
  const bool good = facts.nitro->document &&
                    std::ranges::all_of(checks, [](const Check& check) { return check.result == CheckResult::pass; });
  if (good && facts.isolation == "host") facts.isolation = "nitro";
  facts.simulated = facts.simulated || facts.nitro->simulated;
  facts.checks.insert(facts.checks.end(), std::make_move_iterator(checks.begin()),
                      std::make_move_iterator(checks.end()));
}

}  // namespace attestd
