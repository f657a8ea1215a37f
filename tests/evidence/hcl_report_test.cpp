#include "evidence/hcl_report.h"

#include <algorithm>

#include "base/encoding.h"
#include "tests/catch.h"
#include "tests/vectors.h"

using namespace attestd;

namespace {

HclRuntimeData sample_runtime() {
  HclRuntimeData out;
  out.keys = {{"HCLAkPub", {"sign"}, 65537, Bytes(256, std::byte{0xa5})},
              {"HCLEkPub", {"encrypt"}, 65537, Bytes(256, std::byte{0xb6})}};
  out.secure_boot = true;
  out.console_enabled = false;
  out.tpm_enabled = true;
  out.vm_unique_id = "911B0EF8-9DBA-48B0-B275-4E4DF2D39252";
  out.user_data.emplace().fill(std::byte{0x11});
  return out;
}

HclReport sample() {
  HclReport out;
  out.hardware_report = Bytes(hcl_hardware_report_size, std::byte{0x42});
  out.runtime_data = to_bytes(encode_hcl_runtime_data(sample_runtime()));
  return out;
}

// A little-endian dword at `offset` of a report.
Bytes with(Bytes bytes, std::size_t offset, std::uint32_t value) {
  const Bytes raw = Writer().le32(value).take();
  std::ranges::copy(raw, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  return bytes;
}

constexpr std::size_t data_at = hcl_header_size + hcl_hardware_report_size;

}  // namespace

TEST_CASE("an HCL report survives encoding, and its size fields rule over padding") {
  for (const HclReportType type : {HclReportType::snp, HclReportType::tdx}) {
    HclReport report = sample();
    report.type = type;
    if (type == HclReportType::tdx) report.hardware_report.resize(hcl_td_report_size);
    Bytes bytes = encode_hcl_report(report);
    bytes.resize(2600, std::byte{0xee});  // an NV index of fixed size
    const auto parsed = parse_hcl_report(bytes);
    REQUIRE(parsed);
    CHECK(parsed->type == type);
    CHECK(parsed->hardware_report == report.hardware_report);
    CHECK(parsed->runtime_data == report.runtime_data);
    CHECK(parsed->report_size == encode_hcl_report(report).size());
    CHECK(parsed->expected_report_data() == report.expected_report_data());
  }
}

TEST_CASE("the expected report data are the hash that the report names, zero-padded") {
  HclReport report = sample();
  for (const auto& [hash, type] : {std::pair{HashAlgorithm::sha256, 1U}, std::pair{HashAlgorithm::sha384, 2U},
                                   std::pair{HashAlgorithm::sha512, 3U}}) {
    report.hash = hash;
    const Bytes bytes = encode_hcl_report(report);
    CHECK(bytes[data_at + 12] == std::byte(type));
    const auto parsed = parse_hcl_report(bytes);
    REQUIRE(parsed);
    Bytes expected = digest(hash, {report.runtime_data});
    expected.resize(64);
    CHECK(to_bytes(parsed->expected_report_data()) == expected);
  }
}

TEST_CASE("an HCL report that is not one is refused") {
  const Bytes good = encode_hcl_report(sample());
  REQUIRE(parse_hcl_report(good));
  const auto runtime_size = static_cast<std::uint32_t>(sample().runtime_data.size());
  struct Case {
    const char* what;
    Bytes bytes;
    Errc code;
  };
  const Case cases[] = {
      {"another signature", with(good, 0, 0x424c4348), Errc::malformed},
      {"version 0", with(good, 4, 0), Errc::unsupported},
      {"version 3", with(good, 4, 3), Errc::unsupported},
      {"a data version with another layout", with(good, data_at + 4, 2), Errc::unsupported},
      {"VBS, which has no hardware report", with(good, data_at + 8, 3), Errc::unsupported},
      {"no report type", with(good, data_at + 8, 0), Errc::unsupported},
      {"no hash type", with(good, data_at + 12, 0), Errc::unsupported},
      {"hash type 4", with(good, data_at + 12, 4), Errc::unsupported},
      {"no runtime data", with(good, data_at + 16, 0), Errc::out_of_range},
      {"runtime data longer than the data", with(good, data_at + 16, runtime_size + 1), Errc::out_of_range},
      {"a data size that wraps around", with(good, data_at, 3), Errc::out_of_range},
      {"runtime data beyond the end", with(with(good, data_at, 0xffffffff), data_at + 16, runtime_size + 1),
       Errc::truncated},
      {"an index over our limit", Bytes(hcl_report_max_size + 1), Errc::out_of_range},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    const auto parsed = parse_hcl_report(one.bytes);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == one.code);
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    if (parse_hcl_report(ByteView(good).first(size))) FAIL("accepted when cut after " << size << " bytes");
  }
}

TEST_CASE("runtime data survive encoding") {
  const HclRuntimeData data = sample_runtime();
  const std::string text = encode_hcl_runtime_data(data);
  const auto parsed = parse_hcl_runtime_data(as_bytes(text));
  REQUIRE(parsed);
  CHECK(encode_hcl_runtime_data(*parsed) == text);
  REQUIRE(parsed->attestation_key() != nullptr);
  CHECK(parsed->attestation_key()->modulus == data.keys[0].modulus);
  CHECK(parsed->attestation_key()->exponent == 65537);
  CHECK(parsed->secure_boot == true);
  CHECK(parsed->console_enabled == false);
  CHECK_FALSE(parsed->tpm_persisted);
  CHECK(parsed->user_data == data.user_data);
}

TEST_CASE("runtime data with two attestation keys name none") {
  HclRuntimeData data = sample_runtime();
  data.keys[1].id = "HCLAkPub";
  CHECK(data.attestation_key() == nullptr);
  data.keys.clear();
  CHECK(data.attestation_key() == nullptr);
}

TEST_CASE("runtime data that could be read in two ways are refused") {
  const std::string key = R"({"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":"qqq7"})";
  REQUIRE(parse_hcl_runtime_data(as_bytes(R"({"keys":[)" + key + "]}")));
  const std::string cases[] = {
      "",
      "[]",
      "{}",
      R"({"keys":{}})",
      R"({"keys":[)" + key + R"(],"keys":[]})",
      R"({"keys":[{"kid":"HCLAkPub","kid":"x","kty":"RSA","e":"AQAB","n":"qqq7"}]})",
      R"({"keys":[{"kid":"HCLAkPub","kty":"EC","e":"AQAB","n":"qqq7"}]})",
      R"({"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AQABAQAB","n":"qqq7"}]})",
      R"({"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":"q+q7"}]})",
      R"({"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AA","n":"qqq7"}]})",
      R"({"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":"AAAA"}]})",
      R"({"keys":[{"kty":"RSA","e":"AQAB","n":"qqq7"}]})",
      R"({"keys":[],"vm-configuration":7})",
      R"({"keys":[],"vm-configuration":{"secure-boot":"true"}})",
      R"({"keys":[],"user-data":"00"})",
      R"({"keys":[],"user-data":"zz"})",
      R"({"keys":[)" + key + "]} trailing",
  };
  for (const std::string& text : cases) {
    CAPTURE(text);
    CHECK_FALSE(parse_hcl_runtime_data(as_bytes(text)));
  }
}

TEST_CASE("genuine HCL reports carry the hash of their runtime data in the hardware report") {
  struct Case {
    const char* file;
    HclReportType type;
    std::size_t report_data_at;
    const char* vm;
  };
  for (const Case& one :
       {Case{"azure/snp/hcl-report.bin", HclReportType::snp, 0x50, "911B0EF8-9DBA-48B0-B275-4E4DF2D39252"},
        Case{"azure/tdx/hcl-report.bin", HclReportType::tdx, 128, "6332533D-5649-4D02-8AA7-8F64B7C3EE21"}}) {
    const auto bytes = test::vector_file(one.file);
    if (!bytes) return;
    CAPTURE(one.file);
    const auto report = parse_hcl_report(*bytes);
    REQUIRE(report);
    CHECK(report->type == one.type);
    const auto expected = report->expected_report_data();
    CHECK(std::equal(expected.begin(), expected.end(),
                     report->hardware_report.begin() + static_cast<std::ptrdiff_t>(one.report_data_at)));
    const auto runtime = parse_hcl_runtime_data(report->runtime_data);
    REQUIRE(runtime);
    REQUIRE(runtime->attestation_key() != nullptr);
    CHECK(runtime->attestation_key()->modulus.size() == 256);
    CHECK(runtime->vm_unique_id == one.vm);
    CHECK(runtime->secure_boot == true);
    // Encoded anew it is the same, but for the index's padding.
    const Bytes encoded = encode_hcl_report(*report);
    REQUIRE(encoded.size() <= bytes->size());
    CHECK(std::equal(encoded.begin(), encoded.end(), bytes->begin()));
  }
}
