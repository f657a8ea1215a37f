// Genuine reports of Azure's paravisor, on SNP and on TDX.
#include "verifier/azure.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "tests/catch.h"
#include "tests/vectors.h"
#include "verifier/snp.h"
#include "verifier/tpm.h"

using namespace attestd;

namespace {

// As Trustee keeps a quote of an Azure vTPM (bincode): a signature and a message,
// each after its length, little-endian; then PCR values, which the test leaves.
struct KeptQuote {
  Bytes signature, message;
};
KeptQuote read_kept_quote(ByteView bytes) {
  Reader reader(bytes);
  const auto string = [&] { return to_bytes(*reader.take(static_cast<std::size_t>(*reader.le64("size")), "string")); };
  KeptQuote out;
  out.signature = string();
  out.message = string();
  return out;
}

FixedBytes<64> in_quote(ByteView td_quote) {
  // Intel DCAP quote version 4: a header of 48 bytes, in the TD 1.0 body
  // REPORTDATA is at 520.
  FixedBytes<64> out{};
  std::ranges::copy(td_quote.subspan(48 + 520, out.size()), out.begin());
  return out;
}

const Check& find(const std::vector<Check>& checks, std::string_view id) {
  const auto it = std::ranges::find(checks, id, &Check::id);
  REQUIRE(it != checks.end());
  return *it;
}

// The runtime data, changed, in a report that is otherwise as it was.
Bytes with_runtime(const HclReport& report, const Bytes& runtime) {
  HclReport changed = report;
  changed.runtime_data = runtime;
  return encode_hcl_report(changed);
}

}  // namespace

TEST_CASE("a genuine Azure SNP report names the key that signs the vTPM's quote") {
  const auto hcl = test::vector_file("azure/snp/hcl-report.bin");
  if (!hcl) return;
  const AzureVerification azure = read_azure(*hcl);
  REQUIRE(azure.runtime);
  CHECK(azure.is(HclReportType::snp));
  const Check runtime = check_azure_runtime_data(azure, std::nullopt);
  CAPTURE(runtime.detail);
  CHECK(runtime.result == CheckResult::pass);

  const auto given = load_snp_endorsements(test::vectors_folder() + "/azure/snp");
  REQUIRE(given);
  const SnpVerification snp =
      verify_snp(azure.report->hardware_report, *given, {}, *from_rfc3339("2024-06-01T00:00:00Z"));
  for (const Check& check : snp.checks) UNSCOPED_INFO(check.id << ": " << check.detail);
  CHECK(snp.good());
  const SnpVerification later =
      verify_snp(azure.report->hardware_report, *given, {}, *from_rfc3339("2099-01-01T00:00:00Z"));
  CHECK(find(later.checks, "snp.chain").detail.find("expired") != std::string::npos);
}

TEST_CASE("genuine vTPM quotes verify with the HCLAkPub of the report beside them, and no other") {
  std::array<Bytes, 2> keys;
  std::array<KeptQuote, 2> quotes;
  const std::array<std::string, 2> folders{"azure/snp/", "azure/tdx/"};
  for (std::size_t i = 0; i < folders.size(); ++i) {
    const auto hcl = test::vector_file(folders[i] + "hcl-report.bin");
    if (!hcl) return;
    const AzureVerification azure = read_azure(*hcl);
    REQUIRE(azure.runtime);
    REQUIRE(azure.runtime->attestation_key() != nullptr);
    keys[i] = hcl_key_to_pem(*azure.runtime->attestation_key()).value();
    quotes[i] = read_kept_quote(*test::vector_file(folders[i] + "quote.bin"));
  }
  for (std::size_t key = 0; key < keys.size(); ++key) {
    for (std::size_t quote = 0; quote < quotes.size(); ++quote) {
      TpmInput input;
      input.quote = quotes[quote].message;
      input.signature = quotes[quote].signature;
      input.ak = keys[key];
      const TpmVerification verified = verify_tpm(input);
      CAPTURE(key, quote);
      CHECK(find(verified.checks, "tpm.signature").result == (key == quote ? CheckResult::pass : CheckResult::fail));
    }
  }
}

TEST_CASE("a genuine Azure TDX report needs the TD quote of the same TD") {
  const auto hcl = test::vector_file("azure/tdx/hcl-report.bin");
  if (!hcl) return;
  const AzureVerification azure = read_azure(*hcl);
  REQUIRE(azure.runtime);
  CHECK(azure.is(HclReportType::tdx));
  const FixedBytes<64> quoted = in_quote(*test::vector_file("azure/tdx/td-quote.bin"));
  const Check good = check_azure_runtime_data(azure, quoted);
  CAPTURE(good.detail);
  CHECK(good.result == CheckResult::pass);
  CHECK(check_azure_runtime_data(azure, std::nullopt).result == CheckResult::skipped);
  FixedBytes<64> other = quoted;
  other[63] ^= std::byte{1};
  CHECK(check_azure_runtime_data(azure, other).result == CheckResult::fail);
}

TEST_CASE("a bit flipped anywhere in genuine runtime data is found") {
  const auto hcl = test::vector_file("azure/snp/hcl-report.bin");
  if (!hcl) return;
  const HclReport report = parse_hcl_report(*hcl).value();
  for (std::size_t at = 0; at < report.runtime_data.size(); ++at) {
    Bytes runtime = report.runtime_data;
    runtime[at] ^= std::byte{1};
    const Check check = check_azure_runtime_data(read_azure(with_runtime(report, runtime)), std::nullopt);
    if (check.result != CheckResult::fail) FAIL("accepted with a bit flipped in byte " << at);
  }
}

TEST_CASE("a report of the guest's own kernel is not the paravisor's") {
  const auto hcl = test::vector_file("azure/snp/hcl-report.bin");
  if (!hcl) return;
  HclReport report = parse_hcl_report(*hcl).value();
  SnpReport snp = parse_snp_report(report.hardware_report).value();
  snp.vmpl = 2;
  report.hardware_report = encode_snp_report(snp);
  const Check check = check_azure_runtime_data(read_azure(encode_hcl_report(report)), std::nullopt);
  CHECK(check.result == CheckResult::fail);
  CHECK(check.detail.find("VMPL 2") != std::string::npos);
}

TEST_CASE("only the RSA key of the runtime data is the vTPM's") {
  const auto hcl = test::vector_file("azure/snp/hcl-report.bin");
  if (!hcl) return;
  const AzureVerification azure = read_azure(*hcl);
  const HclKey& named = *azure.runtime->attestation_key();
  TpmPublic ak;
  ak.type = TpmPublic::Type::rsa;
  ak.rsa_modulus = named.modulus;
  ak.rsa_exponent = named.exponent;
  CHECK(check_azure_ak(azure, &ak).result == CheckResult::pass);
  CHECK(check_azure_ak(azure, nullptr).result == CheckResult::skipped);
  TpmPublic other = ak;
  other.rsa_modulus[100] ^= std::byte{1};
  CHECK(check_azure_ak(azure, &other).result == CheckResult::fail);
  other = ak;
  other.rsa_exponent = 3;
  CHECK(check_azure_ak(azure, &other).result == CheckResult::fail);
  other = ak;
  other.type = TpmPublic::Type::ecc;
  CHECK(check_azure_ak(azure, &other).result == CheckResult::fail);
  // Without a named key nothing can be it.
  HclReport report = *azure.report;
  report.runtime_data = to_bytes(std::string_view(R"({"keys":[]})"));
  CHECK(check_azure_ak(read_azure(encode_hcl_report(report)), nullptr).result == CheckResult::fail);
}

TEST_CASE("the policy's demands on the runtime data are met, or say which is not") {
  const auto hcl = test::vector_file("azure/tdx/hcl-report.bin");
  if (!hcl) return;
  const AzureVerification azure = read_azure(*hcl);
  struct Case {
    const char* what;
    AzurePolicy policy;
    CheckResult result;
  };
  const Case cases[] = {
      {"nothing", {}, CheckResult::skipped},
      {"this VM, in lower case", {.vm_ids = {"6332533d-5649-4d02-8aa7-8f64b7c3ee21"}}, CheckResult::pass},
      {"another VM", {.vm_ids = {"6332533d-5649-4d02-8aa7-8f64b7c3ee22"}}, CheckResult::fail},
      {"Secure Boot", {.secure_boot = true}, CheckResult::pass},
      {"no console", {.console = false}, CheckResult::fail},
      {"an ephemeral vTPM", {.tpm_persisted = false}, CheckResult::pass},
      {"a stateful vTPM", {.tpm_persisted = true}, CheckResult::fail},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    CHECK(check_azure_configuration(azure, one.policy).result == one.result);
  }
  // What the SNP report of an older paravisor does not say is not as demanded.
  const AzureVerification silent = read_azure(*test::vector_file("azure/snp/hcl-report.bin"));
  CHECK(check_azure_configuration(silent, {.tpm_persisted = false}).result == CheckResult::fail);
}

TEST_CASE("an HCL report that cannot be read fails every check") {
  const AzureVerification azure = read_azure(as_bytes("HCLA and nothing more"));
  CHECK_FALSE(azure.problem.empty());
  CHECK(check_azure_runtime_data(azure, std::nullopt).result == CheckResult::fail);
  CHECK(check_azure_ak(azure, nullptr).result == CheckResult::fail);
  CHECK(check_azure_configuration(azure, {}).result == CheckResult::fail);
}
