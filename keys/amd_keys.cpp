#include "keys/amd_keys.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "base/encoding.h"
#include "evidence/digest.h"
#include "evidence/hcl_report.h"
#include "net/amd_kds.h"
#include "verifier/snp_endorsement_check.h"

namespace attestd {
namespace {

constexpr std::string_view vendor = "amd";
constexpr std::size_t certificate_limit = std::size_t{16} << 10U;
constexpr std::size_t list_limit = std::size_t{1} << 20U;
constexpr std::size_t turin_chip_id_size = 8;
// Reports of version 2 carry no CPUID: firmware that makes them runs on these.
constexpr std::array version_2_products{SnpProduct::milan, SnpProduct::genoa};

// "amd/Milan-vcek"
std::string stem(SnpProduct product, std::string_view kind) {
  return std::string(vendor) + "/" + std::string(snp_product_name(product)) + (kind == "VLEK" ? "-vlek" : "-vcek");
}
std::string chain_name(SnpProduct product, std::string_view kind) { return stem(product, kind) + "-chain.pem"; }
std::string list_name(SnpProduct product, std::string_view kind) { return stem(product, kind) + ".crl"; }

std::string tcb_text(std::uint64_t tcb) {
  Writer writer;
  return to_hex(writer.be64(tcb).bytes());
}
std::string vcek_name(SnpProduct product, ByteView hardware_id, std::uint64_t tcb) {
  return stem(product, "VCEK") + "-" + to_hex(hardware_id) + "-" + tcb_text(tcb) + ".der";
}
std::string vlek_prefix(SnpProduct product, std::uint64_t tcb) {
  return stem(product, "VLEK") + "-" + tcb_text(tcb) + "-";
}

ByteView hardware_id(SnpProduct product, const FixedBytes<64>& chip_id) {
  return ByteView(chip_id).first(product == SnpProduct::turin ? turin_chip_id_size : chip_id.size());
}

std::vector<SnpProduct> products_of(const SnpReport& report) {
  if (const auto product = report.product()) return {*product};
  if (report.version == 2) return {version_2_products.begin(), version_2_products.end()};
  return {};
}

Result<SnpEndorsements> objects_in(ByteView bytes) {
  SnpEndorsements out;
  ATTESTD_CHECK(add_snp_certificates(bytes, out));
  return out;
}

Result<Bytes> only_list(ByteView bytes) {
  ATTESTD_TRY(SnpEndorsements objects, objects_in(bytes));
  if (objects.crls.size() != 1) return fail(Errc::malformed, "not exactly one revocation list");
  return std::move(objects.crls.front());
}

}  // namespace

AmdKeys::AmdKeys(const KeyCache& cache, KeyService& service, TrustRoots roots, std::string url, std::int64_t now)
    : cache_(cache), service_(service), roots_(std::move(roots)), url_(std::move(url)), now_(now) {}

SnpEndorsements AmdKeys::cached_issuers(SnpProduct product, std::string_view kind) const {
  SnpEndorsements out;
  const auto bytes = cache_.read(chain_name(product, kind));
  if (bytes && !add_snp_certificates(*bytes, out)) return {};
  return out;
}

KeyItem AmdKeys::make_item(const std::string& name, std::string url, std::size_t limit, JudgeBytes until) const {
  KeyItem item;
  item.vendor = vendor;
  item.name = name;
  item.url = std::move(url);
  item.limit = limit;
  item.judge = [name, until](const FetchResponse& response) -> Result<JudgedKeys> {
    ATTESTD_TRY(const std::int64_t end, until(as_bytes(response.body)));
    return JudgedKeys{end, {{name, to_bytes(response.body)}}};
  };
  item.cached_until = [this, name, until = std::move(until)]() -> Result<std::int64_t> {
    const auto bytes = cache_.read(name);
    if (!bytes) return fail(Errc::not_found, "not in the cache");
    return until(*bytes);
  };
  return item;
}

KeyItem AmdKeys::issuers_item(SnpProduct product, std::string_view kind) const {
  const std::string name = chain_name(product, kind);
  const auto until = [this, product, kind](ByteView bytes) -> Result<std::int64_t> {
    ATTESTD_TRY(const SnpEndorsements set, objects_in(bytes));
    ATTESTD_TRY(const SnpIssuersFacts facts, check_snp_issuer_set(set, roots_, now_));
    if (facts.product != product || facts.kind != kind) {
      return fail(Errc::mismatch, "these are the issuers of " + std::string(snp_product_name(facts.product)) + "'s " +
                                      facts.kind + "s, not of " + std::string(snp_product_name(product)) + "'s " +
                                      std::string(kind) + "s");
    }
    return facts.valid_until;
  };
  return make_item(name, amd_chain_url(url_, product, kind), 2 * certificate_limit, until);
}

KeyItem AmdKeys::list_item(SnpProduct product, std::string_view kind) const {
  const std::string name = list_name(product, kind);
  const auto until = [this, product, kind](ByteView bytes) -> Result<std::int64_t> {
    ATTESTD_TRY(const Bytes list, only_list(bytes));
    ATTESTD_TRY(const SnpListFacts facts, check_snp_list(list, cached_issuers(product, kind), roots_, now_));
    return facts.valid_until;
  };
  return make_item(name, amd_crl_url(url_, product, kind), list_limit, until);
}

KeyItem AmdKeys::vcek_item(SnpProduct product, const FixedBytes<64>& chip_id, std::uint64_t tcb) const {
  const ByteView id = hardware_id(product, chip_id);
  const std::string name = vcek_name(product, id, tcb);
  const auto until = [this, product, id = to_bytes(id), tcb](ByteView bytes) -> Result<std::int64_t> {
    ATTESTD_TRY(const SnpEndorsements objects, objects_in(bytes));
    if (objects.certificates.size() != 1) return fail(Errc::malformed, "not exactly one certificate");
    ATTESTD_TRY(const SnpLeafFacts facts,
                check_snp_leaf(objects.certificates.front(), cached_issuers(product, "VCEK"), roots_, now_));
    if (facts.kind != "VCEK" || facts.product != product || facts.hardware_id != id || facts.tcb != tcb) {
      return fail(Errc::mismatch, "the certificate is a " + facts.kind + " of another chip or TCB than was asked for");
    }
    return facts.valid_until;
  };
  return make_item(name, amd_vcek_url(url_, product, id, tcb), certificate_limit, until);
}

std::vector<KeyOutcome> AmdKeys::provide_issuers(SnpProduct product, std::string_view kind) {
  std::vector<KeyOutcome> out;
  out.push_back(provide(issuers_item(product, kind)));
  // Without issuers nothing else can be judged, so nothing else is asked for.
  if (out.back().kind != KeyOutcome::Kind::failed) out.push_back(provide(list_item(product, kind)));
  return out;
}

std::vector<KeyOutcome> AmdKeys::provide_vcek(SnpProduct product, const FixedBytes<64>& chip_id, std::uint64_t tcb) {
  std::vector<KeyOutcome> out = provide_issuers(product, "VCEK");
  if (out.front().kind != KeyOutcome::Kind::failed) out.push_back(provide(vcek_item(product, chip_id, tcb)));
  return out;
}

std::vector<KeyOutcome> AmdKeys::provide_for(const SnpReport& report) {
  std::vector<KeyOutcome> out;
  if (report.signing_key() == SnpSigningKey::vlek) {
    // The host has the VLEK itself; AMD serves only what is above it.
    for (const SnpProduct product : products_of(report)) {
      std::ranges::move(provide_issuers(product, "VLEK"), std::back_inserter(out));
    }
    return out;
  }
  if (report.chip_key_masked() || report.signing_key() != SnpSigningKey::vcek) return out;
  for (const SnpProduct product : products_of(report)) {
    auto outcomes = provide_vcek(product, report.chip_id, report.reported_tcb);
    const bool found = outcomes.size() == 3 && outcomes.back().kind != KeyOutcome::Kind::failed;
    if (found) return outcomes;
    std::ranges::move(outcomes, std::back_inserter(out));
  }
  return out;
}

KeyOutcome AmdKeys::store(const std::string& name, ByteView bytes, std::int64_t valid_until) {
  if (const auto written = cache_.write(name, bytes); !written) {
    return {name, KeyOutcome::Kind::failed, 0, written.error().text()};
  }
  return {name, KeyOutcome::Kind::primed, valid_until, {}};
}

std::vector<KeyOutcome> AmdKeys::prime(const SnpEndorsements& from) {
  std::vector<KeyOutcome> out;
  // Issuers first: all else is judged by them. Each two certificates may be a set, in either order.
  for (auto first = from.certificates.begin(); first != from.certificates.end(); ++first) {
    for (auto second = std::next(first); second != from.certificates.end(); ++second) {
      const SnpEndorsements set{{*first, *second}, {}};
      const auto facts = check_snp_issuer_set(set, roots_, now_);
      if (!facts) continue;
      out.push_back(store(chain_name(facts->product, facts->kind), as_bytes(certificates_to_pem(set.certificates)),
                          facts->valid_until));
    }
  }
  for (const SnpProduct product : {SnpProduct::milan, SnpProduct::genoa, SnpProduct::turin}) {
    for (const std::string_view kind : {"VCEK", "VLEK"}) {
      const SnpEndorsements issuers = cached_issuers(product, kind);
      if (issuers.certificates.empty()) continue;
      for (const Bytes& list : from.crls) {
        const auto facts = check_snp_list(list, issuers, roots_, now_);
        if (facts) out.push_back(store(list_name(product, kind), list, facts->valid_until));
      }
      for (const Bytes& leaf : from.certificates) {
        const auto facts = check_snp_leaf(leaf, issuers, roots_, now_);
        if (!facts || facts->product != product || facts->kind != kind) continue;
        const std::string name = facts->hardware_id
                                     ? vcek_name(product, *facts->hardware_id, facts->tcb)
                                     : vlek_prefix(product, facts->tcb) +
                                           to_hex(digest(HashAlgorithm::sha256, {leaf})).substr(0, 16) + ".der";
        out.push_back(store(name, leaf, facts->valid_until));
      }
    }
  }
  return out;
}

Bytes snp_report_of_hcl(ByteView hcl_report) {
  auto hcl = parse_hcl_report(hcl_report);
  if (!hcl || hcl->type != HclReportType::snp) return {};
  return std::move(hcl->hardware_report);
}

Bytes snp_report_of(const Bundle& bundle) {
  if (!bundle.snp_report.empty() || bundle.hcl_report.empty()) return bundle.snp_report;
  return snp_report_of_hcl(bundle.hcl_report);
}

SnpEndorsements cached_snp_endorsements(const std::string& folder, ByteView report, std::int64_t at) {
  SnpEndorsements out;
  const auto parsed = parse_snp_report(report);
  if (folder.empty() || !parsed) return out;
  const auto add = [&](const std::string& path) {
    const auto bytes = read_file(path, default_file_limit);
    SnpEndorsements objects;
    if (!bytes || !add_snp_certificates(*bytes, objects)) return;
    std::ranges::move(objects.certificates, std::back_inserter(out.certificates));
    for (Bytes& list : objects.crls) {
      // A list of later says nothing of `at` but that it is not valid yet.
      if (snp_list_made_at(list).value_or(at + 1) <= at) out.crls.push_back(std::move(list));
    }
  };
  const bool vlek = parsed->signing_key() == SnpSigningKey::vlek;
  const std::string_view kind = vlek ? "VLEK" : "VCEK";
  for (const SnpProduct product : products_of(*parsed)) {
    add(folder + "/" + chain_name(product, kind));
    add(folder + "/" + list_name(product, kind));
    if (!vlek) {
      add(folder + "/" + vcek_name(product, hardware_id(product, parsed->chip_id), parsed->reported_tcb));
      continue;
    }
    const std::string prefix = std::filesystem::path(vlek_prefix(product, parsed->reported_tcb)).filename();
    std::error_code error;
    std::filesystem::directory_iterator entries(folder + "/" + std::string(vendor), error);
    for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
      const std::string name = entries->path().filename();
      if (name.starts_with(prefix) && name.ends_with(".der")) add(entries->path());
    }
  }
  return out;
}

}  // namespace attestd
