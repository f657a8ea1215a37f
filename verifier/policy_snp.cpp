// The policy's [snp] table, and what other tables share with it.
#include <limits>

#include "verifier/policy_internal.h"

namespace attestd {
namespace {

constexpr std::size_t measurement_size = 48;
constexpr std::size_t host_data_size = 32;
constexpr std::size_t id_key_digest_size = 48;
constexpr std::int64_t vmpl_limit = 3;

Result<void> read_component(TomlSection& section, std::string_view key, std::uint8_t& into) {
  ATTESTD_TRY(const auto value, section.integer(key, 0, std::numeric_limits<std::uint8_t>::max()));
  if (value) into = static_cast<std::uint8_t>(*value);
  return {};
}

Result<void> read_minimum_tcb(TomlSection& snp, Policy& policy) {
  ATTESTD_TRY(auto products, snp.section("minimum-tcb"));
  if (!products) return {};
  for (const SnpProduct product : {SnpProduct::milan, SnpProduct::genoa, SnpProduct::turin}) {
    ATTESTD_TRY(auto section, products->section(snp_product_name(product)));
    if (!section) continue;
    SnpTcb tcb;
    ATTESTD_CHECK(read_component(*section, "bootloader", tcb.bootloader));
    ATTESTD_CHECK(read_component(*section, "tee", tcb.tee));
    ATTESTD_CHECK(read_component(*section, "snp", tcb.snp));
    ATTESTD_CHECK(read_component(*section, "microcode", tcb.microcode));
    if (product == SnpProduct::turin) {
      std::uint8_t fmc = 0;
      ATTESTD_CHECK(read_component(*section, "fmc", fmc));
      tcb.fmc = fmc;
    }
    ATTESTD_CHECK(section->finish());
    policy.snp_minimum_tcb[product] = tcb;
  }
  return products->finish();
}

}  // namespace

Result<void> read_measurements(TomlSection& hardware, std::vector<ReferenceMeasurement>& into) {
  ATTESTD_TRY(auto sections, hardware.sections("measurement"));
  for (TomlSection& section : sections) {
    ReferenceMeasurement reference;
    ATTESTD_TRY(auto value, section.hex("value", measurement_size));
    if (!value) return toml_error(section.table(), Errc::malformed, section.place("value") + " is missing");
    reference.value = *std::move(value);
    ATTESTD_TRY(const auto origin, section.string("origin"));
    if (!origin) return toml_error(section.table(), Errc::malformed, section.place("origin") + " is missing");
    const auto known = origin_from_name(*origin);
    if (!known) {
      return toml_error(section.table(), Errc::unsupported,
                        section.place("origin") + " is not own-firmware, reproducible-build, pre-measured or pinned");
    }
    reference.origin = *known;
    ATTESTD_TRY(auto comment, section.string("comment"));
    assign(reference.comment, std::move(comment));
    ATTESTD_TRY(auto vtpm, section.string("vtpm"));
    reference.vtpm = std::move(vtpm).value_or(std::string());
    if (!reference.vtpm.empty() && reference.vtpm != "paravisor" && reference.vtpm != "vmpl") {
      return toml_error(section.table(), Errc::unsupported, section.place("vtpm") + " is not paravisor or vmpl");
    }
    ATTESTD_CHECK(section.finish());
    into.push_back(std::move(reference));
  }
  return {};
}

Result<void> read_snp(TomlSection& document, Policy& policy) {
  ATTESTD_TRY(auto section, document.section("snp"));
  if (!section) return {};
  policy.names_snp = true;
  ATTESTD_TRY(auto debug, section->boolean("debug"));
  assign(policy.snp_allow_debug, debug);
  ATTESTD_TRY(auto migration_agent, section->boolean("migration-agent"));
  assign(policy.snp_allow_migration_agent, migration_agent);
  ATTESTD_TRY(policy.snp_smt, section->boolean("smt"));
  ATTESTD_TRY(policy.snp_single_socket, section->boolean("single-socket"));
  ATTESTD_TRY(const auto max_vmpl, section->integer("max-vmpl", 0, vmpl_limit));
  if (max_vmpl) policy.snp_max_vmpl = static_cast<unsigned>(*max_vmpl);
  ATTESTD_TRY(auto signers, section->names("signers", {"VCEK", "VLEK"}));
  assign(policy.snp_signers, std::move(signers));
  ATTESTD_TRY(auto require_crl, section->boolean("require-crl"));
  assign(policy.snp_require_crl, require_crl);
  ATTESTD_TRY(auto host_data, section->hex_list("host-data", host_data_size));
  assign(policy.snp_host_data, std::move(host_data));
  ATTESTD_TRY(auto id_keys, section->hex_list("id-key-digests", id_key_digest_size));
  assign(policy.snp_id_key_digests, std::move(id_keys));
  ATTESTD_CHECK(read_measurements(*section, policy.snp_measurements));
  ATTESTD_CHECK(read_minimum_tcb(*section, policy));
  return section->finish();
}

}  // namespace attestd
