#include "evidence/hcl_report.h"

#include <algorithm>

namespace attestd {
namespace {

constexpr std::string_view signature = "HCLA";
constexpr std::uint32_t data_version = 1;  // IGVM_ATTEST_REQUEST_VERSION_1; a second one has another layout

// IGVM_ATTEST hash types.
std::optional<HashAlgorithm> hash_of(std::uint32_t type) {
  switch (type) {
    case 1: return HashAlgorithm::sha256;
    case 2: return HashAlgorithm::sha384;
    case 3: return HashAlgorithm::sha512;
    default: return std::nullopt;
  }
}

std::uint32_t hash_type(HashAlgorithm hash) {
  if (hash == HashAlgorithm::sha384) return 2;
  return hash == HashAlgorithm::sha512 ? 3 : 1;
}

Result<HclReportType> report_type(std::uint32_t value, std::size_t offset) {
  if (value == static_cast<std::uint32_t>(HclReportType::snp)) return HclReportType::snp;
  if (value == static_cast<std::uint32_t>(HclReportType::tdx)) return HclReportType::tdx;
  return fail_at(Errc::unsupported, offset,
                 "HCL report: report type " + std::to_string(value) + " is neither SNP (2) nor TDX (4)");
}

}  // namespace

FixedBytes<64> HclReport::expected_report_data() const {
  FixedBytes<64> out{};
  const Bytes hashed = digest(hash, {runtime_data});
  std::copy(hashed.begin(), hashed.end(), out.begin());
  return out;
}

Result<HclReport> parse_hcl_report(ByteView bytes) {
  if (bytes.size() > hcl_report_max_size) {
    return fail(Errc::out_of_range, "HCL report: " + std::to_string(bytes.size()) + " bytes exceed our limit of " +
                                        std::to_string(hcl_report_max_size));
  }
  Reader reader(bytes);
  HclReport out;
  ATTESTD_TRY(const ByteView magic, reader.take(signature.size(), "HCL report's signature"));
  if (as_text(magic) != signature) return fail_at(Errc::malformed, 0, "HCL report: it does not start with HCLA");
  ATTESTD_TRY(out.version, reader.le32("HCL report's version"));
  if (out.version != 1 && out.version != 2) {
    return fail_at(Errc::unsupported, 4, "HCL report: version " + std::to_string(out.version) + " is unknown");
  }
  ATTESTD_TRY(out.report_size, reader.le32("HCL report's size"));
  ATTESTD_TRY(out.request_type, reader.le32("HCL report's request type"));
  ATTESTD_TRY(out.status, reader.le32("HCL report's status"));
  ATTESTD_CHECK(reader.skip(12, "HCL report's reserved bytes"));
  ATTESTD_TRY(const ByteView place, reader.take(hcl_hardware_report_size, "HCL report's hardware report"));

  const std::size_t data_offset = reader.offset();
  ATTESTD_TRY(const std::uint32_t data_size, reader.le32("HCL report's data size"));
  ATTESTD_TRY(const std::uint32_t version, reader.le32("HCL report's data version"));
  if (version != data_version) {
    return fail_at(Errc::unsupported, data_offset + 4,
                   "HCL report: data version " + std::to_string(version) + " is unknown");
  }
  ATTESTD_TRY(const std::uint32_t type, reader.le32("HCL report's report type"));
  ATTESTD_TRY(out.type, report_type(type, data_offset + 8));
  ATTESTD_TRY(const std::uint32_t hash, reader.le32("HCL report's hash type"));
  const auto algorithm = hash_of(hash);
  if (!algorithm) {
    return fail_at(Errc::unsupported, data_offset + 12,
                   "HCL report: hash type " + std::to_string(hash) + " is unknown");
  }
  out.hash = *algorithm;
  ATTESTD_TRY(const std::uint32_t size, reader.le32("HCL report's runtime data size"));
  // data_size counts padding on some versions: it only must not be less.
  if (size == 0 || data_size < hcl_data_header_size || data_size - hcl_data_header_size < size) {
    return fail_at(Errc::out_of_range, data_offset,
                   "HCL report: " + std::to_string(size) + " bytes of runtime data do not fit a data size of " +
                       std::to_string(data_size));
  }
  ATTESTD_TRY(const ByteView runtime, reader.take(size, "HCL report's runtime data"));
  out.runtime_data = to_bytes(runtime);
  out.hardware_report = to_bytes(out.type == HclReportType::tdx ? place.first(hcl_td_report_size) : place);
  return out;
}

Bytes encode_hcl_report(const HclReport& report) {
  const auto data_size = static_cast<std::uint32_t>(hcl_data_header_size + report.runtime_data.size());
  Writer writer;
  writer.raw(as_bytes(signature))
      .le32(report.version)
      .le32(static_cast<std::uint32_t>(hcl_header_size + hcl_hardware_report_size) + data_size)
      .le32(report.request_type)
      .le32(report.status)
      .zeros(12);
  const std::size_t used = std::min(report.hardware_report.size(), hcl_hardware_report_size);
  writer.raw(ByteView(report.hardware_report).first(used)).zeros(hcl_hardware_report_size - used);
  writer.le32(data_size)
      .le32(data_version)
      .le32(static_cast<std::uint32_t>(report.type))
      .le32(hash_type(report.hash))
      .le32(static_cast<std::uint32_t>(report.runtime_data.size()))
      .raw(report.runtime_data);
  return writer.take();
}

}  // namespace attestd
