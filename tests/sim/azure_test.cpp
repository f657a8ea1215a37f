// What the agent does about Azure's metadata service, which belongs to the host.
#include <map>

#include "agent/azure_evidence.h"
#include "base/encoding.h"
#include "evidence/snp_report.h"
#include "evidence/td_quote.h"
#include "sim/metadata_server.h"
#include "tests/catch.h"

using namespace attestd;
using namespace attestd::sim;

namespace {

// A vTPM whose paravisor asks the hardware anew for each user data, if it knows them.
class FakeTpm final : public hwio::Tpm {
 public:
  explicit FakeTpm(HclReportType type, bool knows_user_data = true) : type_(type), knows_user_data_(knows_user_data) {}
  Result<hwio::TpmAttestationKey> attestation_key() override { return fail(Errc::tpm, "not asked here"); }
  Result<hwio::TpmQuoteResult> quote(ByteView /*data*/) override { return fail(Errc::tpm, "not asked here"); }
  Result<Bytes> endorsement_key() override { return fail(Errc::tpm, "not asked here"); }
  Result<Bytes> activate_credential(ByteView /*blob*/, ByteView /*secret*/) override {
    return fail(Errc::tpm, "not asked here");
  }
  Result<void> nv_write(std::uint32_t index, ByteView data) override {
    if (!knows_user_data_ || index != hcl_user_data_nv_index) return fail(Errc::permission, "may not be written");
    std::copy(data.begin(), data.end(), runtime_.user_data.emplace().begin());
    return {};
  }
  Result<Bytes> nv_read(std::uint32_t index) override {
    if (index != hcl_report_nv_index || absent) return fail(Errc::not_found, "no such index");
    HclReport out = report();
    Bytes bytes = encode_hcl_report(out);
    bytes.resize(2600);
    return bytes;
  }
  [[nodiscard]] std::string where() const override { return "a fake"; }

  [[nodiscard]] HclReport report() const {
    HclReport out;
    out.type = type_;
    out.runtime_data = to_bytes(encode_hcl_runtime_data(runtime_));
    if (type_ == HclReportType::snp) {
      SnpReport snp;
      snp.version = 3;
      snp.cpuid_family = 0x19;
      snp.report_data = out.expected_report_data();
      out.hardware_report = encode_snp_report(snp);
    } else {
      out.hardware_report.resize(hcl_td_report_size);
      const FixedBytes<64> data = out.expected_report_data();
      std::copy(data.begin(), data.end(), out.hardware_report.begin() + 128);
    }
    return out;
  }

  bool absent = false;

 private:
  HclReportType type_;
  bool knows_user_data_;
  HclRuntimeData runtime_;
};

std::string quote_answer(const FixedBytes<64>& report_data) {
  TdQuote quote;
  quote.version = 4;
  quote.attestation_key_type = td_key_type_ecdsa_p256;
  quote.tee_type = td_tee_type_tdx;
  quote.body.report_data = report_data;
  return R"({"quote":")" + to_base64url(encode_td_quote(quote)) + R"("})";
}

agent::AzureOptions options_for(const MetadataServer& server) {
  agent::AzureOptions out;
  out.metadata_service = server.url();
  out.timeout = std::chrono::seconds(20);
  return out;
}

const MerkleHash root = [] {
  MerkleHash out{};
  out.fill(std::byte{0x5e});
  return out;
}();

std::unique_ptr<MetadataServer> certificates_server() {
  return MetadataServer::start([](const MetadataRequest& request) -> std::optional<std::string> {
           if (request.path != "/metadata/THIM/amd/certification") return std::nullopt;
           return R"({"vcekCert":"leaf","tcbm":"","certificateChain":"chain"})";
         })
      .value();
}

}  // namespace

TEST_CASE("on Azure SNP the bundle has the HCL report with our root, and the VCEK's certificates, asked once") {
  const auto server = certificates_server();
  FakeTpm tpm(HclReportType::snp);
  agent::AzureEvidence azure(options_for(*server));
  for (int i = 0; i < 3; ++i) {
    Bundle bundle;
    REQUIRE(azure.collect(tpm, root, bundle));
    CHECK(azure.problem().empty());
    CHECK(bundle.hcl_report == encode_hcl_report(tpm.report()));  // without the index's padding
    const auto runtime = parse_hcl_runtime_data(parse_hcl_report(bundle.hcl_report)->runtime_data);
    REQUIRE(runtime);
    CHECK(runtime->user_data == root);
    CHECK(as_text(bundle.certificates) == "leaf\nchain");
  }
  CHECK(server->answered() == 1);
}

TEST_CASE("a paravisor that takes no user data is no error: the vTPM's quote binds the statement") {
  const auto server = certificates_server();
  FakeTpm tpm(HclReportType::snp, false);
  agent::AzureEvidence azure(options_for(*server));
  Bundle bundle;
  REQUIRE(azure.collect(tpm, root, bundle));
  CHECK(azure.problem().find("no user data") != std::string::npos);
  CHECK_FALSE(bundle.certificates.empty());
}

TEST_CASE("a vTPM without a report is an error") {
  const auto server = certificates_server();
  FakeTpm tpm(HclReportType::snp);
  tpm.absent = true;
  agent::AzureEvidence azure(options_for(*server));
  Bundle bundle;
  CHECK(azure.collect(tpm, root, bundle).error().code == Errc::not_found);
}

TEST_CASE("a hostile metadata service costs the certificates on SNP and the evidence on TDX, with its reason") {
  struct Case {
    MetadataFault fault;
    Errc code;
  };
  const Case cases[] = {
      {MetadataFault::absent, Errc::not_found},  {MetadataFault::garbage, Errc::malformed},
      {MetadataFault::huge, Errc::out_of_range}, {MetadataFault::redirect, Errc::refused},
      {MetadataFault::busy, Errc::throttled},    {MetadataFault::silent, Errc::timed_out},
  };
  for (const Case& one : cases) {
    CAPTURE(static_cast<int>(one.fault));
    const auto server = certificates_server();
    server->set_fault(one.fault);
    agent::AzureOptions options = options_for(*server);
    if (one.fault == MetadataFault::silent) options.timeout = std::chrono::seconds(2);

    FakeTpm snp(HclReportType::snp);
    Bundle bundle;
    agent::AzureEvidence on_snp(options);
    REQUIRE(on_snp.collect(snp, root, bundle));
    CHECK(bundle.certificates.empty());
    CHECK(on_snp.problem().find("metadata service") != std::string::npos);

    FakeTpm tdx(HclReportType::tdx);
    Bundle refused;
    agent::AzureEvidence on_tdx(options);
    const auto result = on_tdx.collect(tdx, root, refused);
    REQUIRE_FALSE(result);
    CHECK(result.error().code == one.code);
    CHECK(result.error().message.find("metadata service") != std::string::npos);
    CHECK(refused.td_quote.empty());
  }
}

TEST_CASE("a metadata service that is not there is unavailable") {
  std::string url;
  {
    const auto server = certificates_server();
    url = server->url();
  }
  agent::AzureOptions options;
  options.metadata_service = url;
  FakeTpm tpm(HclReportType::tdx);
  Bundle bundle;
  agent::AzureEvidence azure(options);
  CHECK(azure.collect(tpm, root, bundle).error().code == Errc::unavailable);
}

TEST_CASE("on Azure TDX the quote must be of this VM's report") {
  FakeTpm tpm(HclReportType::tdx);
  bool foreign = false;
  const auto server = MetadataServer::start([&](const MetadataRequest& request) -> std::optional<std::string> {
                        if (request.method != "POST" || request.path != "/acc/tdquote") return std::nullopt;
                        if (request.body.find("\"report\":\"") == std::string::npos) return std::nullopt;
                        FixedBytes<64> data = tpm.report().expected_report_data();
                        if (foreign) data[0] ^= std::byte{1};
                        return quote_answer(data);
                      }).value();
  agent::AzureEvidence azure(options_for(*server));
  Bundle bundle;
  const auto first = azure.collect(tpm, root, bundle);
  if (!first) FAIL(first.error().text());
  CHECK(parse_td_quote(bundle.td_quote)->body.report_data == tpm.report().expected_report_data());
  CHECK(bundle.certificates.empty());
  // The same report needs no other quote; another root makes another report.
  REQUIRE(azure.collect(tpm, root, bundle));
  CHECK(server->answered() == 1);
  foreign = true;
  MerkleHash other = root;
  other[0] = std::byte{0};
  Bundle refused;
  const auto second = azure.collect(tpm, other, refused);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::mismatch);
  CHECK(refused.td_quote.empty());
}
