#include "client/trust.h"

#include <sys/stat.h>

#include <algorithm>
#include <ctime>
#include <iterator>

#include "base/encoding.h"
#include "base/file.h"
#include "client/input.h"
#include "keys/amd_keys.h"
#include "keys/intel_keys.h"
#include "keys/key_cache.h"
#include "verifier/trust_root_file.h"

namespace attestd {
namespace {

constexpr std::string_view crl_begin = "-----BEGIN X509 CRL-----";  // RFC 7468 section 6
constexpr std::string_view crl_end = "-----END X509 CRL-----";

bool is_folder(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Result<void> add_crls(const std::string& path, std::vector<Bytes>& crls) {
  ATTESTD_TRY(Bytes bytes, read_option_file("--crl", path));
  std::string_view text = as_text(bytes);
  if (text.find("-----BEGIN") == std::string_view::npos) {
    crls.push_back(std::move(bytes));
    return {};
  }
  const std::size_t before = crls.size();
  for (auto begin = text.find(crl_begin); begin != std::string_view::npos; begin = text.find(crl_begin)) {
    text.remove_prefix(begin + crl_begin.size());
    const auto end = text.find(crl_end);
    if (end == std::string_view::npos) break;
    std::string encoded(text.substr(0, end));
    std::erase_if(encoded, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
    auto crl = from_base64(encoded);
    if (!crl) return std::unexpected(std::move(crl).error().in("--crl " + path));
    crls.push_back(*std::move(crl));
    text.remove_prefix(end);
  }
  if (crls.size() == before) return fail(Errc::malformed, "--crl " + path + ": no X.509 revocation list in it");
  return {};
}

}  // namespace

Result<Bytes> read_option_file(std::string_view name, const std::string& path) {
  auto bytes = read_input(path, default_file_limit);
  if (!bytes) return std::unexpected(std::move(bytes).error().in(name));
  return bytes;
}

Result<std::int64_t> verification_time(const std::string& rfc3339) {
  if (rfc3339.empty()) return static_cast<std::int64_t>(std::time(nullptr));
  auto at = from_rfc3339(rfc3339);
  if (!at) {
    return fail(Errc::usage, "--at " + rfc3339 + " is not a time like 2025-06-01T00:00:00Z: " + at.error().text());
  }
  return at;
}

Result<SnpEndorsements> load_endorsements(const TrustOptions& options) {
  SnpEndorsements endorsements;
  if (!options.certificates.empty()) {
    if (is_folder(options.certificates)) {
      ATTESTD_TRY(endorsements, load_snp_endorsements(options.certificates));
    } else {
      ATTESTD_TRY(endorsements.certificates, load_trust_roots(options.certificates));
    }
  }
  for (const std::string& path : options.crls) ATTESTD_CHECK(add_crls(path, endorsements.crls));
  return endorsements;
}

std::string cache_folder(const TrustOptions& options) {
  if (options.no_cache || !options.certificates.empty()) return {};
  return options.cache.empty() ? default_cache_folder() : options.cache;
}

void add_cached_endorsements(const TrustOptions& options, ByteView report, std::int64_t at, SnpEndorsements& into) {
  SnpEndorsements cached = cached_snp_endorsements(cache_folder(options), report, at);
  std::ranges::move(cached.certificates, std::back_inserter(into.certificates));
  std::ranges::move(cached.crls, std::back_inserter(into.crls));
}

void add_cached_endorsements(const TrustOptions& options, const Bundle& bundle, std::int64_t at,
                             SnpEndorsements& into) {
  add_cached_endorsements(options, snp_report_of(bundle), at, into);
}

Result<TdxCollateral> load_collateral(const TrustOptions& options) {
  TdxCollateral collateral;
  if (!options.collateral.empty()) {
    if (is_folder(options.collateral)) {
      ATTESTD_TRY(collateral, load_tdx_collateral(options.collateral));
    } else {
      ATTESTD_TRY(const Bytes bytes, read_option_file("--collateral", options.collateral));
      if (auto added = add_tdx_collateral(bytes, collateral); !added) {
        return std::unexpected(std::move(added).error().in("--collateral " + options.collateral));
      }
    }
  }
  for (const std::string& path : options.crls) ATTESTD_CHECK(add_crls(path, collateral.crls));
  return collateral;
}

void add_cached_collateral(const TrustOptions& options, ByteView quote, TdxCollateral& into) {
  if (options.no_cache || !options.collateral.empty() || quote.empty()) return;
  TdxCollateral cached = cached_tdx_collateral(options.cache.empty() ? default_cache_folder() : options.cache, quote);
  std::ranges::move(cached.tcb_infos, std::back_inserter(into.tcb_infos));
  std::ranges::move(cached.qe_identities, std::back_inserter(into.qe_identities));
  std::ranges::move(cached.certificates, std::back_inserter(into.certificates));
  std::ranges::move(cached.crls, std::back_inserter(into.crls));
}

Result<Policy> load_trust(const TrustOptions& options) {
  Policy policy;
  if (!options.policy.empty()) {
    ATTESTD_TRY(policy, load_policy(options.policy));
  }
  const std::pair<const std::vector<std::string>&, std::vector<Bytes>&> lists[] = {
      {options.roots.hardware, policy.roots.named},
      {options.roots.vtpm, policy.roots.vtpm},
      {options.roots.nitro, policy.roots.nitro}};
  for (const auto& [paths, into] : lists) {
    for (const std::string& path : paths) {
      ATTESTD_TRY(const std::vector<Bytes> roots, load_trust_roots(path));
      into.insert(into.end(), roots.begin(), roots.end());
    }
  }
  return policy;
}

Result<int> print_verdict(const CommonOptions& common, const Verdict& verdict) {
  ATTESTD_CHECK(print(common.json ? printable_json(verdict_to_json(verdict))
                                  : verdict_to_text(verdict, use_colour(common.colour))));
  return verdict.exit_status();
}

}  // namespace attestd
