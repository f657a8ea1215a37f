#include <algorithm>
#include <filesystem>
#include <tuple>

#include "base/encoding.h"
#include "client/commands.h"
#include "client/evidence_type.h"
#include "client/input.h"
#include "client/trust.h"
#include "evidence/bundle.h"
#include "keys/amd_keys.h"
#include "keys/intel_keys.h"

namespace attestd {
namespace {

std::string_view kind_name(KeyOutcome::Kind kind) {
  switch (kind) {
    case KeyOutcome::Kind::cached: return "cached ";
    case KeyOutcome::Kind::fetched: return "fetched";
    case KeyOutcome::Kind::primed: return "primed ";
    case KeyOutcome::Kind::failed: return "failed ";
  }
  return "failed ";
}

// What happened to each item, the last word on it.
class Outcomes {
 public:
  void add(std::vector<KeyOutcome> outcomes) {
    for (KeyOutcome& outcome : outcomes) {
      const auto known = std::ranges::find(all_, outcome.name, &KeyOutcome::name);
      if (known == all_.end()) {
        all_.push_back(std::move(outcome));
      } else if (outcome.kind != KeyOutcome::Kind::cached) {
        *known = std::move(outcome);
      }
    }
  }
  [[nodiscard]] bool empty() const { return all_.empty(); }
  [[nodiscard]] bool good() const {
    return std::ranges::find(all_, KeyOutcome::Kind::failed, &KeyOutcome::kind) == all_.end();
  }
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const KeyOutcome& outcome : all_) {
      out += std::string(kind_name(outcome.kind)) + " " + outcome.name;
      out += outcome.kind == KeyOutcome::Kind::failed ? ": " + printable(outcome.detail)
                                                      : ", valid until " + to_rfc3339(outcome.valid_until);
      out += "\n";
    }
    return out;
  }

 private:
  std::vector<KeyOutcome> all_;
};

// What of a file of evidence vendors' services know about.
struct HardwareEvidence {
  Bytes snp_report;
  Bytes td_quote;
  SnpEndorsements own;  // that the evidence brings itself, and that need not be asked for
};

HardwareEvidence from_bundle(const Bundle& bundle) {
  HardwareEvidence out;
  out.snp_report = snp_report_of(bundle);
  out.td_quote = bundle.td_quote;
  if (!bundle.snp_certificates.empty()) std::ignore = add_snp_certificate_table(bundle.snp_certificates, out.own);
  if (!bundle.certificates.empty()) std::ignore = add_snp_certificates(bundle.certificates, out.own);
  return out;
}

Result<HardwareEvidence> read_evidence(const std::string& path) {
  ATTESTD_TRY(const Bytes bytes, read_input(path, bundle_max_size));
  HardwareEvidence out;
  const auto type = detect_evidence_type(bytes);
  if (type == EvidenceType::snp_report) {
    out.snp_report = bytes;
  } else if (type == EvidenceType::td_quote) {
    out.td_quote = bytes;
  } else if (type == EvidenceType::hcl_report) {
    out.snp_report = snp_report_of_hcl(bytes);
  } else if (type == EvidenceType::bundle) {
    ATTESTD_TRY(const Bundle bundle, parse_bundle(as_text(bytes)));
    out = from_bundle(bundle);
  }
  if (out.snp_report.empty() && out.td_quote.empty()) {
    return fail(Errc::unsupported, path + " has no hardware report whose keys a vendor's service hands out");
  }
  return out;
}

Result<void> fetch_for_file(const std::string& path, AmdKeys& amd, IntelKeys& intel, Outcomes& outcomes) {
  ATTESTD_TRY(const HardwareEvidence evidence, read_evidence(path));
  if (!evidence.td_quote.empty()) {
    auto fetched = intel.provide_for(evidence.td_quote);
    if (!fetched) return std::unexpected(std::move(fetched).error().in(path));
    outcomes.add(*std::move(fetched));
  }
  if (evidence.snp_report.empty()) return {};
  outcomes.add(amd.prime(evidence.own));
  ATTESTD_TRY(const SnpReport report, parse_snp_report(evidence.snp_report));
  auto fetched = amd.provide_for(report);
  if (fetched.empty()) {
    return fail(Errc::unsupported, path +
                                       ": no service has keys for this report: its chip key is masked, no key "
                                       "signed it, or its processor is not known");
  }
  outcomes.add(std::move(fetched));
  return {};
}

Result<std::vector<std::string>> files_below(const std::string& path) {
  std::error_code error;
  std::vector<std::string> files;
  if (!std::filesystem::is_directory(path, error)) return std::vector{path};
  std::filesystem::recursive_directory_iterator entries(path, error);
  for (; !error && entries != std::filesystem::recursive_directory_iterator(); entries.increment(error)) {
    std::error_code ignored;
    if (entries->is_regular_file(ignored)) files.push_back(entries->path());
  }
  if (error) return fail_errno(error.value(), "cannot list the folder " + path);
  std::ranges::sort(files);
  return files;
}

// `for_intel`: what only the evidence of a platform can judge.
Result<void> prime_from(const std::string& path, AmdKeys& amd, TdxCollateral& for_intel, Outcomes& outcomes) {
  ATTESTD_TRY(const std::vector<std::string> files, files_below(path));
  SnpEndorsements found;
  for (const std::string& file : files) {
    ATTESTD_TRY(const Bytes bytes, read_input(file, default_file_limit));
    // A folder may hold other things too: what is good is taken.
    std::ignore = add_snp_certificates(bytes, found);
    std::ignore = add_tdx_collateral(bytes, for_intel);
  }
  auto primed = amd.prime(found);
  if (primed.empty() && for_intel.tcb_infos.empty() && for_intel.qe_identities.empty()) {
    return fail(Errc::not_found, path +
                                     " has no certificates or revocation lists that chain to a vendor's root and "
                                     "are valid");
  }
  outcomes.add(std::move(primed));
  return {};
}

Result<std::vector<SnpProduct>> products_named(const std::vector<std::string>& names) {
  std::vector<SnpProduct> out;
  for (const std::string& name : names) {
    const auto product = snp_product_from_name(name);
    if (!product) return fail(Errc::usage, "--product " + name + " is none of Milan, Genoa, Turin");
    out.push_back(*product);
  }
  return out;
}

struct Chip {
  FixedBytes<64> id{};
  std::uint64_t tcb = 0;
};
Result<Chip> chip_named(const KeysFetchOptions& options) {
  Chip out;
  auto id = from_hex(options.chip_id);
  // Turin's identifiers have 8 bytes, in reports zeros follow.
  if (!id || (id->size() != out.id.size() && id->size() != 8)) {
    return fail(Errc::usage, "--chip-id must have 64 bytes as hexadecimal (Turin: 8 will do)");
  }
  std::ranges::copy(*id, out.id.begin());
  const auto tcb = from_hex(options.tcb);
  if (!tcb || tcb->size() != sizeof out.tcb) {
    return fail(Errc::usage, "--tcb must be a reported TCB of 8 bytes, as \"attestctl inspect\" shows it");
  }
  Reader reader(*tcb);
  ATTESTD_TRY(out.tcb, reader.be64("TCB"));
  return out;
}

Result<void> fetch_named(const KeysFetchOptions& options, AmdKeys& amd, Outcomes& outcomes) {
  ATTESTD_TRY(const std::vector<SnpProduct> products, products_named(options.products));
  if (options.chip_id.empty() != options.tcb.empty() || (!options.chip_id.empty() && products.size() != 1)) {
    return fail(Errc::usage, "a VCEK is named by --product, --chip-id and --tcb together");
  }
  for (const SnpProduct product : products) {
    outcomes.add(amd.provide_issuers(product, "VCEK"));
    outcomes.add(amd.provide_issuers(product, "VLEK"));
  }
  if (!options.chip_id.empty()) {
    ATTESTD_TRY(const Chip chip, chip_named(options));
    outcomes.add(amd.provide_vcek(products.front(), chip.id, chip.tcb));
  }
  return {};
}

}  // namespace

Result<int> run_keys_fetch(const CommonOptions& common, const KeysFetchOptions& options) {
  if (options.files.empty() && options.prime.empty() && options.products.empty()) {
    return fail(Errc::usage, "keys fetch needs evidence to fetch for, --product or --prime: see attestctl(1)");
  }
  TrustOptions trust;
  trust.roots.hardware = options.trust_roots;
  ATTESTD_TRY(const Policy policy, load_trust(trust));
  ATTESTD_TRY(const std::int64_t at, verification_time(options.at));
  ATTESTD_TRY(const KeyCache cache,
              KeyCache::open_for_writing(options.cache.empty() ? default_cache_folder() : options.cache));
  KeyServiceOptions service_options;
  service_options.timeout = common.timeout;
  service_options.patience = options.patience;
  service_options.ca_file = options.ca_file;
  KeyService service(cache, service_options);
  AmdKeys amd(cache, service, policy.roots, options.amd_url, at);

  IntelKeys intel(cache, service, policy.roots, {options.intel_url, options.intel_crl_url}, at);
  Outcomes outcomes;
  TdxCollateral for_intel;
  for (const std::string& path : options.prime) ATTESTD_CHECK(prime_from(path, amd, for_intel, outcomes));
  if (!for_intel.empty() && options.files.empty() && outcomes.empty()) {
    return fail(Errc::usage, "--prime with Intel's collateral needs a TD quote or a bundle beside it, to judge it by");
  }
  intel.offer(std::move(for_intel));
  ATTESTD_CHECK(fetch_named(options, amd, outcomes));
  for (const std::string& path : options.files) ATTESTD_CHECK(fetch_for_file(path, amd, intel, outcomes));
  ATTESTD_CHECK(print(outcomes.text()));
  return outcomes.good() ? 0 : 2;
}

}  // namespace attestd
