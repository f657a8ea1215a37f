#include "verifier/policy.h"

#include <filesystem>
#include <fstream>

#include "base/encoding.h"
#include "sim/signer/gcp_signer.h"
#include "tests/catch.h"

namespace attestd {
namespace {

constexpr std::string_view head = "[policy]\nversion = 1\n";
const std::string hex32(64, 'a');
const std::string hex48(96, 'b');

std::string with(const std::string& tail) { return std::string(head) + tail; }

}  // namespace

TEST_CASE("a policy of nothing but a version has the safe defaults") {
  const auto policy = parse_policy(head, "");
  REQUIRE(policy);
  CHECK(policy->required == std::set{Question::hardware, Question::initial_state, Question::boot_chain});
  CHECK_FALSE(policy->snp_allow_debug);
  CHECK_FALSE(policy->snp_allow_migration_agent);
  CHECK(policy->snp_max_vmpl == 0);
  CHECK(policy->require_nonce);
  CHECK_FALSE(policy->vtpm_isolation.contains("host"));
  CHECK(policy->provisioning_agents == std::set<std::string>{"none"});
  CHECK(policy->roots.named.empty());
}

TEST_CASE("every key of the format is read") {
  const auto policy = parse_policy(
      "[policy]\nversion = 1\nrequired = [\"hardware\", \"storage\", \"provisioning\"]\n"
      "[snp]\ndebug = true\nmigration-agent = true\nsmt = false\nsingle-socket = true\nmax-vmpl = 3\n"
      "signers = [\"VLEK\"]\nrequire-crl = true\nhost-data = [\"" +
          hex32 + "\"]\nid-key-digests = [\"" + hex48 +
          "\"]\n"
          "[[snp.measurement]]\nvalue = \"" +
          hex48 +
          "\"\norigin = \"reproducible-build\"\ncomment = \"c\"\n"
          "[[snp.measurement]]\nvalue = \"" +
          hex48 +
          "\"\norigin = \"pre-measured\"\n"
          "[snp.minimum-tcb.Milan]\nbootloader = 4\nsnp = 24\nmicrocode = 219\n"
          "[snp.minimum-tcb.Turin]\nfmc = 1\ntee = 2\n"
          "[vtpm]\nisolation = [\"host\"]\nsecure-boot = true\n[vtpm.pcrs.sha256]\n0 = \"" +
          hex32 + "\"\n23 = \"" + hex32 +
          "\"\n"
          "[freshness]\nnonce = false\nmaximal-age = \"10m\"\n"
          "[storage]\nkey-origins = [\"broker\"]\nciphers = [\"aes-xts-plain64\"]\nroot-hashes = [\"" +
          hex32 + "\"]\n[provisioning]\nagents = [\"cloud-init\"]\n",
      "");
  REQUIRE(policy);
  CHECK(policy->required == std::set{Question::hardware, Question::storage, Question::provisioning});
  CHECK(policy->snp_allow_debug);
  CHECK(policy->snp_allow_migration_agent);
  CHECK(policy->snp_smt == false);
  CHECK(policy->snp_single_socket == true);
  CHECK(policy->snp_max_vmpl == 3);
  CHECK(policy->snp_signers == std::set<std::string>{"VLEK"});
  CHECK(policy->snp_require_crl);
  CHECK(policy->snp_host_data == std::vector<Bytes>{Bytes(32, std::byte{0xaa})});
  CHECK(policy->snp_id_key_digests == std::vector<Bytes>{Bytes(48, std::byte{0xbb})});
  REQUIRE(policy->snp_measurements.size() == 2);
  CHECK(policy->snp_measurements[0].origin == ReferenceOrigin::reproducible_build);
  CHECK(policy->snp_measurements[0].comment == "c");
  CHECK(policy->snp_measurements[1].origin == ReferenceOrigin::pre_measured);
  CHECK(policy->snp_minimum_tcb.at(SnpProduct::milan) == SnpTcb{std::nullopt, 4, 0, 24, 219});
  CHECK(policy->snp_minimum_tcb.at(SnpProduct::turin) == SnpTcb{std::uint8_t{1}, 0, 2, 0, 0});
  CHECK(policy->vtpm_isolation == std::set<std::string>{"host"});
  CHECK(policy->secure_boot == true);
  CHECK(policy->pcrs.at(HashAlgorithm::sha256).at(23) == Bytes(32, std::byte{0xaa}));
  CHECK_FALSE(policy->require_nonce);
  CHECK(policy->maximal_age_s == 600);
  CHECK(policy->storage_key_origins == std::set<std::string>{"broker"});
  CHECK(policy->storage_ciphers == std::set<std::string>{"aes-xts-plain64"});
  CHECK(policy->storage_root_hashes == std::vector<Bytes>{Bytes(32, std::byte{0xaa})});
  CHECK(policy->provisioning_agents == std::set<std::string>{"cloud-init"});
  const std::string text = explain_policy(*policy);
  for (const std::string& part : {hex32, hex48, std::string("reproducible-build"), std::string("600 s")}) {
    CHECK(text.find(part) != std::string::npos);
  }
}

TEST_CASE("a mistake in a policy is an error with its line, never a weaker policy") {
  struct Case {
    std::string text;
    std::string_view part;  // of the message
  };
  const std::vector<Case> cases{
      {"", "version = 1"},
      {"[policy]\n", "version"},
      {"[policy]\nversion = 2\n", "version"},
      {"[policy]\nversion = 1\nrequired = []\n", "required"},
      {"[policy]\nversion = 1\nrequired = [\"hardwear\"]\n", "hardwear"},
      {with("[spn]\n"), "line 3"},
      {with("[snp]\ndebugg = false\n"), "snp.debugg"},
      {with("[snp]\ndebug = 0\n"), "line 4"},
      {with("[snp]\nmax-vmpl = 4\n"), "snp.max-vmpl"},
      {with("[snp]\nsigners = [\"ARK\"]\n"), "ARK"},
      {with("[snp]\nhost-data = [\"aa\"]\n"), "32"},
      {with("[[snp.measurement]]\nvalue = \"" + hex32 + "\"\norigin = \"pinned\"\n"), "48"},
      {with("[[snp.measurement]]\nvalue = \"" + hex48 + "\"\n"), "origin"},
      {with("[[snp.measurement]]\norigin = \"pinned\"\n"), "value"},
      {with("[[snp.measurement]]\nvalue = \"" + hex48 + "\"\norigin = \"guess\"\n"), "origin"},
      {with("[snp.measurement]\nvalue = \"" + hex48 + "\"\n"), "array of tables"},
      {with("[snp.minimum-tcb.Rome]\n"), "Rome"},
      {with("[snp.minimum-tcb.Milan]\nfmc = 1\n"), "fmc"},
      {with("[snp.minimum-tcb.Milan]\nsnp = 256\n"), "snp"},
      {with("[vtpm]\nisolation = [\"hostt\"]\n"), "hostt"},
      {with("[vtpm.pcrs.sha257]\n0 = \"" + hex32 + "\"\n"), "sha257"},
      {with("[vtpm.pcrs.sha256]\n24 = \"" + hex32 + "\"\n"), "24"},
      {with("[vtpm.pcrs.sha256]\n01 = \"" + hex32 + "\"\n"), "01"},
      {with("[vtpm.pcrs.sha256]\n1 = \"" + hex48 + "\"\n"), "32"},
      {with("[freshness]\nnonce = false\n"), "maximal-age"},
      {with("[freshness]\nmaximal-age = \"soon\"\n"), "maximal-age"},
      {with("[freshness]\nmaximal-age = \"m\"\n"), "maximal-age"},
      {with("[storage]\nkey-origins = [\"cloud\"]\n"), "cloud"},
      {with("[storage]\nroot-hashes = [\"xy\"]\n"), "root-hashes"},
      {with("[storage]\ncipher = [\"aes-xts-plain64\"]\n"), "storage.cipher"},
      {with("[trust]\nroots = [\"absent.pem\"]\n"), "absent.pem"},
      {with("[snp]\n[snp]\n"), "line 4"},
      {"[policy\n", "line 1"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    const auto policy = parse_policy(c.text, "/nonexistent");
    REQUIRE_FALSE(policy);
    INFO(policy.error().text());
    CHECK(policy.error().message.find(c.part) != std::string::npos);
  }
}

TEST_CASE("an empty list is an error that says to leave the key out, never 'any'") {
  const std::pair<std::string_view, std::vector<std::string_view>> sections[] = {
      {"snp", {"signers", "host-data", "id-key-digests", "measurement"}},
      {"tdx", {"xfam", "tcb-status", "mrseam", "mrconfigid", "mrowner", "mrownerconfig", "measurement"}},
      {"azure", {"vm-ids"}},
      {"gcp", {"project-ids", "project-numbers", "instance-ids", "instance-names", "zones"}},
      {"svsm", {"states", "endorsement-keys"}},
      {"vtpm", {"isolation"}},
      {"nitro", {"modules"}},
      {"storage", {"key-origins", "ciphers", "root-hashes"}},
      {"provisioning", {"agents"}},
      {"trust", {"roots", "vtpm-roots", "nitro-roots"}},
  };
  for (const auto& [section, keys] : sections) {
    for (const std::string_view key : keys) {
      const std::string place = std::string(section) + "." + std::string(key);
      INFO(place);
      const auto policy = parse_policy(with("[" + std::string(section) + "]\n" + std::string(key) + " = []\n"), "");
      REQUIRE_FALSE(policy);
      CHECK(policy.error().message.find("line 4") != std::string::npos);
      CHECK(policy.error().message.find(place + " is an empty list") != std::string::npos);
      CHECK(policy.error().message.find("leave the key out") != std::string::npos);
    }
  }
  CHECK_FALSE(parse_policy("[policy]\nversion = 1\nrequired = []\n", ""));
  CHECK_FALSE(parse_policy(with("[azure]\nvm-ids = [\"\"]\n"), ""));
}

TEST_CASE("roots are read for what they are named for") {
  const auto folder = std::filesystem::temp_directory_path() / "attestd-policy-roots-test";
  std::filesystem::create_directories(folder);
  const auto signer = sim::GcpSigner::mint({});
  REQUIRE(signer);
  std::ofstream(folder / "root.pem") << signer->root_pem().value();
  const struct {
    const char* key;
    std::size_t hardware, vtpm, nitro;
  } cases[] = {{"roots", 1, 0, 0}, {"vtpm-roots", 0, 1, 0}, {"nitro-roots", 0, 0, 1}};
  for (const auto& c : cases) {
    INFO(c.key);
    const auto policy = parse_policy(with("[trust]\n" + std::string(c.key) + " = [\"root.pem\"]\n"), folder.string());
    REQUIRE(policy);
    CHECK(policy->roots.named.size() == c.hardware);
    CHECK(policy->roots.vtpm.size() == c.vtpm);
    CHECK(policy->roots.nitro.size() == c.nitro);
    CHECK(explain_policy(*policy).find("1 named roots") != std::string::npos);
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("a file that is no certificate is not a trust root") {
  const auto folder = std::filesystem::temp_directory_path() / "attestd-policy-test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "root.pem") << "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  std::ofstream(folder / "policy.toml") << with("[trust]\nroots = [\"root.pem\"]\n");
  const auto policy = load_policy((folder / "policy.toml").string());
  REQUIRE_FALSE(policy);
  CHECK(policy.error().code == Errc::malformed);
  CHECK(policy.error().message.find("root.pem") != std::string::npos);
  std::filesystem::remove_all(folder);
}

}  // namespace attestd
