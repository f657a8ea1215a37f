#include <algorithm>
#include <array>
#include <iterator>
#include <limits>

#include "base/encoding.h"
#include "base/file.h"
#include "evidence/statement.h"
#include "verifier/policy.h"
#include "verifier/policy_internal.h"
#include "verifier/toml_internal.h"
#include "verifier/trust_root_file.h"

namespace attestd {
namespace {

constexpr std::size_t policy_size_limit = std::size_t{1} << 20U;
constexpr unsigned pcr_limit = 24;
constexpr std::int64_t host_proof_cache_limit_s = 86400;  // a day

// "90", "90s", "10m", "2h", "7d".
std::optional<std::int64_t> seconds_of(std::string_view text) {
  std::int64_t unit = 1;
  if (!text.empty() && std::string_view("smhd").find(text.back()) != std::string_view::npos) {
    constexpr std::int64_t minute = 60;
    constexpr std::int64_t hour = 60 * minute;
    unit = text.back() == 'm' ? minute : text.back() == 'h' ? hour : text.back() == 'd' ? 24 * hour : 1;
    text.remove_suffix(1);
  }
  if (text.empty() || text.size() > 9) return std::nullopt;
  std::int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value * unit;
}

std::optional<unsigned> pcr_index(std::string_view text) {
  for (unsigned index = 0; index < pcr_limit; ++index) {
    if (std::to_string(index) == text) return index;
  }
  return std::nullopt;
}

Result<void> read_policy(TomlSection& document, Policy& policy) {
  ATTESTD_TRY(auto section, document.section("policy"));
  if (!section) return fail(Errc::malformed, "there is no [policy] with version = 1");
  ATTESTD_TRY(const auto version, section->integer("version", 0, std::numeric_limits<std::int64_t>::max()));
  if (version != 1) return toml_error(section->table(), Errc::unsupported, "policy.version is not 1");
  ATTESTD_TRY(const auto required,
              section->names("required", {"hardware", "initial_state", "boot_chain", "storage", "provisioning"}));
  if (required) {
    policy.required.clear();
    for (const std::string& name : *required) policy.required.insert(*question_from_name(name));
  }
  return section->finish();
}

Result<void> read_pcrs(TomlSection& vtpm, Policy& policy) {
  ATTESTD_TRY(auto banks, vtpm.section("pcrs"));
  if (!banks) return {};
  for (const auto& [bank_key, bank_node] : banks->table()) {
    const auto bank = hash_from_name(bank_key.str());
    if (!bank) {
      return toml_error(bank_node, Errc::unsupported, "vtpm.pcrs." + std::string(bank_key.str()) + " is no PCR bank");
    }
    ATTESTD_TRY(auto section, banks->section(bank_key.str()));
    for (const auto& [key, node] : section->table()) {
      const std::string_view text = key.str();
      const auto index = pcr_index(text);
      if (!index) return toml_error(node, Errc::out_of_range, section->place(text) + " is not a PCR from 0 to 23");
      ATTESTD_TRY(auto value, section->hex(text, hash_size(*bank)));
      policy.pcrs[*bank][*index] = *std::move(value);
    }
  }
  return {};
}

Result<void> read_vtpm(TomlSection& document, Policy& policy) {
  ATTESTD_TRY(auto section, document.section("vtpm"));
  if (!section) return {};
  ATTESTD_TRY(auto isolation, section->names("isolation", {"host", "vmpl", "paravisor", "nitro", "td"}));
  assign(policy.vtpm_isolation, std::move(isolation));
  ATTESTD_TRY(policy.secure_boot, section->boolean("secure-boot"));
  ATTESTD_CHECK(read_pcrs(*section, policy));
  return section->finish();
}

Result<void> read_freshness(TomlSection& document, Policy& policy) {
  ATTESTD_TRY(auto section, document.section("freshness"));
  if (!section) return {};
  ATTESTD_TRY(auto nonce, section->boolean("nonce"));
  assign(policy.require_nonce, nonce);
  ATTESTD_TRY(const auto age, section->string("maximal-age"));
  if (age) {
    policy.maximal_age_s = seconds_of(*age);
    if (!policy.maximal_age_s) {
      return toml_error(*section->find("maximal-age"), Errc::malformed,
                        "freshness.maximal-age is not a time such as 90s, 10m, 2h or 1d");
    }
  }
  if (!policy.require_nonce && !policy.maximal_age_s) {
    return toml_error(section->table(), Errc::malformed, "freshness.nonce = false needs a freshness.maximal-age");
  }
  return section->finish();
}

Result<void> read_host_proof(TomlSection& document, Policy& policy) {
  ATTESTD_TRY(auto section, document.section("host-proof"));
  if (!section) return {};
  ATTESTD_TRY(const auto cache, section->string("cache"));
  if (cache) {
    const auto seconds = seconds_of(*cache);
    if (!seconds || *seconds > host_proof_cache_limit_s) {
      return toml_error(*section->find("cache"), Errc::malformed,
                        "host-proof.cache is not a time of at most a day, such as 90s, 10m or 2h");
    }
    policy.host_proof_cache_s = *seconds;
  }
  return section->finish();
}

Result<void> read_root_hashes(TomlSection& storage, Policy& policy) {
  ATTESTD_TRY(const auto hashes, storage.strings("root-hashes"));
  for (const std::string& text : hashes.value_or(std::vector<std::string>())) {
    const auto bytes = from_hex(text);
    if (!bytes || bytes->empty() || bytes->size() > mapping_root_hash_max) {
      return toml_error(*storage.find("root-hashes"), Errc::malformed,
                        storage.place("root-hashes") + " has what is no digest in hex");
    }
    policy.storage_root_hashes.push_back(*bytes);
  }
  return {};
}

Result<void> read_storage(TomlSection& document, Policy& policy) {
  ATTESTD_TRY(auto section, document.section("storage"));
  if (!section) return {};
  ATTESTD_TRY(auto key_origins, section->names("key-origins", {"broker", "vtpm", "passphrase", "none", "unknown"}));
  assign(policy.storage_key_origins, std::move(key_origins));
  ATTESTD_TRY(const auto ciphers, section->strings("ciphers"));
  if (ciphers) policy.storage_ciphers = std::set<std::string>(ciphers->begin(), ciphers->end());
  ATTESTD_CHECK(read_root_hashes(*section, policy));
  return section->finish();
}

Result<void> read_provisioning(TomlSection& document, Policy& policy) {
  ATTESTD_TRY(auto section, document.section("provisioning"));
  if (!section) return {};
  ATTESTD_TRY(const auto agents, section->strings("agents"));
  if (agents) policy.provisioning_agents = std::set<std::string>(agents->begin(), agents->end());
  return section->finish();
}

Result<void> read_trust(TomlSection& document, const std::string& folder, Policy& policy) {
  ATTESTD_TRY(auto section, document.section("trust"));
  if (!section) return {};
  const std::pair<std::string_view, std::vector<Bytes>*> lists[] = {
      {"roots", &policy.roots.named}, {"vtpm-roots", &policy.roots.vtpm}, {"nitro-roots", &policy.roots.nitro}};
  for (const auto& [key, into] : lists) {
    ATTESTD_TRY(const auto roots, section->strings(key));
    for (const std::string& name : roots.value_or(std::vector<std::string>())) {
      std::string path = name.starts_with('/') || folder.empty() ? "" : folder + "/";
      path += name;
      auto certificates = is_inline_trust_root(name) ? inline_trust_roots(name) : load_trust_roots(path);
      if (!certificates) return std::unexpected(std::move(certificates).error().in(section->place(key)));
      std::ranges::move(*certificates, std::back_inserter(*into));
    }
  }
  return section->finish();
}

}  // namespace

Result<Policy> parse_policy(std::string_view text, const std::string& folder_for_relative_paths) {
  ATTESTD_TRY(const toml::table table, parse_toml(text));
  Policy policy;
  TomlSection document(table, "");
  ATTESTD_CHECK(read_policy(document, policy));
  ATTESTD_CHECK(read_snp(document, policy));
  ATTESTD_CHECK(read_tdx_policy(document, policy));
  ATTESTD_CHECK(read_azure_policy(document, policy));
  ATTESTD_CHECK(read_gcp_policy(document, policy));
  ATTESTD_CHECK(read_svsm_policy(document, policy));
  ATTESTD_CHECK(read_vtpm(document, policy));
  ATTESTD_CHECK(read_nitro(document, policy));
  ATTESTD_CHECK(read_freshness(document, policy));
  ATTESTD_CHECK(read_host_proof(document, policy));
  ATTESTD_CHECK(read_storage(document, policy));
  ATTESTD_CHECK(read_provisioning(document, policy));
  ATTESTD_CHECK(read_trust(document, folder_for_relative_paths, policy));
  ATTESTD_CHECK(document.finish());
  return policy;
}

Result<Policy> load_policy(const std::string& path) {
  ATTESTD_TRY(const Bytes text, read_file(path, policy_size_limit));
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash == 0 ? 1 : slash);
  auto policy = parse_policy(as_text(text), folder);
  if (!policy) return std::unexpected(std::move(policy).error().in(path));
  return policy;
}

}  // namespace attestd
