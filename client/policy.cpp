#include <algorithm>
#include <climits>
#include <cstdlib>
#include <memory>

#include "base/file.h"
#include "client/commands.h"
#include "client/source.h"
#include "client/trust.h"
#include "verifier/appraise.h"
#include "verifier/trust_root_file.h"

namespace attestd {
namespace {

std::string absolute(const std::string& path) {
  struct Free {
    void operator()(char* text) const {
      std::free(text);
    }  // NOLINT(cppcoreguidelines-owning-memory): realpath(3) allocates
  };
  const std::unique_ptr<char, Free> resolved(::realpath(path.c_str(), nullptr));
  return resolved ? resolved.get() : path;
}

// A TOML basic string (TOML 1.0 "String").
std::string quoted(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += std::string("\\") + c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += std::string("\\u00") + digits[byte >> 4U] + digits[byte & 0xfU];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

// make_policy() ends in the [trust] section.
Result<std::string> trust_lines(std::string_view key, const std::vector<std::string>& roots) {
  if (roots.empty()) return std::string();
  std::string out = std::string(key) + " = [";
  for (std::size_t i = 0; i < roots.size(); ++i) {
    ATTESTD_CHECK(load_trust_roots(roots[i]));
    out += (i > 0 ? ", " : "") + quoted(absolute(roots[i]));
  }
  return out + "]\n";
}

}  // namespace

Result<int> run_policy_init(const CommonOptions& common, const PolicyInitOptions& options) {
  ATTESTD_TRY(const Source source, parse_source(options.from));
  ATTESTD_TRY(const Bytes nonce, fresh_nonce());
  ATTESTD_TRY(
      const FetchedEvidence evidence,
      fetch_evidence(source,
                     {.nonce = nonce, .purpose = Purpose::host, .timeout = common.timeout, .https = common.https}));
  const auto bundle = parse_bundle(evidence.bundle);
  if (!bundle) return std::unexpected(Error(bundle.error()).in(source_name(source) + " gives no bundle"));
  ATTESTD_CHECK(require_own_channel(evidence, *bundle));
  ATTESTD_TRY(std::string toml, make_policy(*bundle, source_name(source)));
  const std::pair<std::string_view, const std::vector<std::string>&> lists[] = {
      {"roots", options.roots.hardware}, {"vtpm-roots", options.roots.vtpm}, {"nitro-roots", options.roots.nitro}};
  for (const auto& [key, roots] : lists) {
    ATTESTD_TRY(const std::string line, trust_lines(key, roots));
    toml += line;
  }

  // Of what is at hand: a policy that its own evidence does not meet is worth a word, not a refusal:
  // an owner may want to write it and see why.
  auto policy = parse_policy(toml, ".");
  if (!policy) return std::unexpected(std::move(policy).error().in("the policy that was just made"));
  AppraisalContext context;
  ATTESTD_TRY(context.at, verification_time({}));
  const bool file = source.kind == Source::Kind::file;
  const auto statement = parse_statement(bundle->statement);
  // How fresh a file is cannot be known here; that it holds together can.
  if (file && statement) {
    context.nonce = statement->nonce;
  } else {
    context.nonce = nonce;
  }
  context.channel = evidence.channel;
  const Verdict verdict = appraise(*bundle, *policy, context).verdict;
  // What the network may have written is no policy.
  const bool sound =
      std::ranges::none_of(verdict.checks, [](const Check& check) { return check.result == CheckResult::fail; });
  if (evidence.channel && !sound) {
    return fail(Errc::refused, "no policy is made of evidence that fails: " + reasons_of(verdict));
  }
  if (verdict.outcome != Outcome::trusted) {
    complain("note: this evidence does not meet the policy made from it: " + reasons_of(verdict));
  }
  if (options.output.empty()) {
    ATTESTD_CHECK(print(toml));
  } else {
    ATTESTD_CHECK(replace_file(options.output, as_bytes(toml), 0644));
  }
  return 0;
}

Result<int> run_policy_check(const CommonOptions&, const PolicyFileOptions& options) {
  ATTESTD_CHECK(load_policy(options.file));
  ATTESTD_CHECK(print(printable(options.file) + " is a valid policy\n"));
  return 0;
}

Result<int> run_policy_explain(const CommonOptions&, const PolicyFileOptions& options) {
  ATTESTD_TRY(const Policy policy, load_policy(options.file));
  ATTESTD_CHECK(print(explain_policy(policy)));
  return 0;
}

}  // namespace attestd
