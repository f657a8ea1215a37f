// attestctl pcr-policy: vtpm/signed_policy.h.
#include <algorithm>

#include "base/encoding.h"
#include "base/file.h"
#include "client/commands.h"
#include "client/input.h"
#include "client/trust.h"
#include "verifier/appraise.h"
#include "verifier/tpm.h"
#include "vtpm/signed_policy.h"

namespace attestd {
namespace {

constexpr std::size_t key_limit = 16384;  // bytes of PEM
constexpr unsigned file_mode = 0644;      // nothing in it is secret

Result<PcrBank> bank_of(const PcrValues& values, const std::string& where) {
  const auto bank = values.find(HashAlgorithm::sha256);
  if (bank == values.end()) return fail(Errc::not_found, where + " has no values of the bank sha256");
  return bank->second;
}

Result<PcrBank> values_of_file(const std::string& path) {
  ATTESTD_TRY(const Bytes bytes, read_option_file("--values", path));
  const std::string_view text = as_text(bytes);
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool json = first != std::string_view::npos && text[first] == '{';
  auto values = json ? pcr_values_from_json(text) : parse_tpm2_tools_pcrs(bytes);
  if (!values) return std::unexpected(std::move(values).error().in("--values " + path));
  return bank_of(*values, "--values " + path);
}

// That the bundle is good by the policy: the freshness of a file cannot be known, the rest can.
Result<void> require_trusted(const Bundle& bundle, const PcrPolicySignOptions& options) {
  TrustOptions trust;
  trust.policy = options.policy;
  trust.roots.hardware = options.roots;
  ATTESTD_TRY(const Policy policy, load_trust(trust));
  AppraisalContext context;
  ATTESTD_TRY(context.at, verification_time({}));
  add_cached_endorsements(trust, bundle, context.at, context.extra_endorsements);
  add_cached_collateral(trust, bundle.td_quote, context.tdx_collateral);
  if (const auto statement = parse_statement(bundle.statement)) context.nonce = statement->nonce;
  const Verdict verdict = appraise(bundle, policy, context).verdict;
  if (verdict.outcome == Outcome::trusted) return {};
  return fail(Errc::refused,
              "nothing is signed, since the policy does not trust this evidence: " + reasons_of(verdict));
}

// The quoted values: the TPM signed that it has them, over this bundle's statement.
Result<PcrBank> quoted_values(const Bundle& bundle, const std::string& path) {
  if (!bundle.tpm) return fail(Errc::not_found, path + " has no TPM quote");
  ATTESTD_TRY(const MerkleHash root, bundle_root(bundle));
  TpmInput input;
  input.quote = bundle.tpm->quote;
  input.signature = bundle.tpm->signature;
  input.ak = bundle.tpm->ak_public;
  input.pcrs = bundle.tpm->pcrs;
  input.expected_extra_data = quote_qualifying_data(root);
  const TpmVerification found = verify_tpm(input);
  for (const char* const id : {"tpm.signature", "tpm.ak", "tpm.extra-data", "tpm.pcrs"}) {
    const auto check = std::ranges::find(found.checks, id, &Check::id);
    if (check == found.checks.end() || check->result != CheckResult::pass) {
      const std::string why = check == found.checks.end() ? "it was not made" : check->detail;
      return fail(Errc::refused, "the quote in " + path + " proves no values: " + std::string(id) + ": " + why);
    }
  }
  if (!found.pcrs) return fail(Errc::refused, "the quote in " + path + " covers no PCR");
  return bank_of(*found.pcrs, path);
}

Result<PcrBank> values_of_bundle(const PcrPolicySignOptions& options) {
  ATTESTD_TRY(const Bytes text, read_input(options.from, bundle_max_size));
  const auto bundle = parse_bundle(as_text(text));
  if (!bundle) return std::unexpected(Error(bundle.error()).in(options.from + " is no bundle"));
  ATTESTD_TRY(PcrBank values, quoted_values(*bundle, options.from));
  if (!options.policy.empty()) {
    ATTESTD_CHECK(require_trusted(*bundle, options));
  } else {
    complain(
        "note: the quote is good by the key that came with it; whose TPM that is, and whether the host keeps it, "
        "is not verified (--policy FILE does)");
  }
  return values;
}

Result<void> write_out(const std::string& path, const std::string& text) {
  return path.empty() ? print(text) : replace_file(path, as_bytes(text), file_mode);
}

}  // namespace

Result<int> run_pcr_policy_sign(const CommonOptions& /*common*/, const PcrPolicySignOptions& options) {
  if (options.from.empty() == options.values.empty()) {
    return fail(Errc::usage, "pcr-policy sign needs the PCRs' values: --values FILE, or --from BUNDLE");
  }
  if (!options.roots.empty() && options.policy.empty()) {
    return fail(Errc::usage, "--trust-root is for --policy");
  }
  ATTESTD_TRY(const PcrBank values, options.from.empty() ? values_of_file(options.values) : values_of_bundle(options));
  ATTESTD_TRY(const SecretBytes key, SecretBytes::read(options.key, key_limit));
  auto made = vtpm::sign_pcr_policy(key, options.pcrs, values);
  if (!made) return std::unexpected(std::move(made).error().in("--key " + options.key));
  Bytes present;
  if (!options.add_to.empty()) {
    ATTESTD_TRY(present, read_option_file("--add-to", options.add_to));
  }
  auto text = vtpm::add_signed_policy(as_text(present), *made);
  if (!text) return std::unexpected(std::move(text).error().in("--add-to " + options.add_to));
  ATTESTD_CHECK(write_out(options.output, *text + "\n"));
  return 0;
}

Result<int> run_pcr_policy_show(const CommonOptions& /*common*/, const PcrPolicyShowOptions& options) {
  ATTESTD_TRY(const Bytes text, read_input(options.file, vtpm::signatures_limit));
  const auto policies = vtpm::parse_signed_policies(as_text(text));
  if (!policies) return std::unexpected(Error(policies.error()).in(options.file));
  std::optional<vtpm::PolicyKey> key;
  if (!options.key.empty()) {
    ATTESTD_TRY(const Bytes pem, read_option_file("--public-key", options.key));
    ATTESTD_TRY(key, vtpm::read_policy_key(as_text(pem)));
  }
  bool good = true;
  std::string out;
  for (const vtpm::SignedPolicy& policy : *policies) {
    std::string signature = "not checked";
    if (key) {
      const bool own = policy.key == key->fingerprint && vtpm::check_signature(*key, policy.policy, policy.signature);
      signature = own ? "good" : "NOT by this key";
      good = good && own;
    }
    out += "PCRs";
    for (const unsigned pcr : policy.pcrs) out += " " + std::to_string(pcr);
    out += "\n  policy     " + to_hex(policy.policy) + "\n  key        " + to_hex(policy.key) + "\n  signature  " +
           signature + "\n";
    for (const auto& [index, value] : policy.values) {
      const std::string number = std::to_string(index);
      out += "  PCR " + number + std::string(7 - std::min<std::size_t>(number.size(), 6), ' ') + to_hex(value) + "\n";
    }
  }
  ATTESTD_CHECK(print(out));
  return good ? 0 : 1;
}

}  // namespace attestd
