#include "evidence/snp_report.h"

#include <algorithm>
#include <array>
#include <string>

namespace attestd {
namespace {

struct ProductName {
  SnpProduct product;
  std::string_view name;
};
constexpr std::array product_names{
    ProductName{SnpProduct::milan, "Milan"},
    ProductName{SnpProduct::genoa, "Genoa"},
    ProductName{SnpProduct::turin, "Turin"},
};

// The signature's fields: R, S, then reserved to the end of the report. P-384
// numbers fill 48 of the 72 bytes.
constexpr std::size_t signature_reserved_size = snp_report_size - 0x330;
constexpr std::size_t p384_size = 48;

Result<void> take_reserved(Reader& reader, std::size_t count) {
  const std::size_t offset = reader.offset();
  ATTESTD_TRY(const ByteView bytes, reader.take(count, "reserved field"));
  if (!all_zero(bytes)) return fail_at(Errc::malformed, offset, "reserved field of the SNP report is not zero");
  return {};
}

Result<SnpFirmwareVersion> take_firmware_version(Reader& reader, std::string_view what) {
  SnpFirmwareVersion out;
  ATTESTD_TRY(out.build, reader.u8(what));
  ATTESTD_TRY(out.minor, reader.u8(what));
  ATTESTD_TRY(out.major, reader.u8(what));
  ATTESTD_CHECK(take_reserved(reader, 1));
  return out;
}

Result<FixedBytes<72>> take_signature_component(Reader& reader, std::string_view what) {
  const std::size_t offset = reader.offset();
  ATTESTD_TRY(const FixedBytes<72> out, reader.fixed<72>(what));
  // No signature protects this padding: anything but zero would be malleable.
  if (!all_zero(ByteView(out).subspan(p384_size))) {
    return fail_at(Errc::malformed, offset + p384_size, std::string(what) + " is longer than a P-384 number");
  }
  return out;
}

std::uint8_t byte_of(std::uint64_t raw, unsigned index) { return static_cast<std::uint8_t>(raw >> (8 * index)); }
std::uint64_t at_byte(std::uint8_t value, unsigned index) { return std::uint64_t{value} << (8 * index); }

Result<void> take_identity(Reader& reader, SnpReport& out) {
  ATTESTD_TRY(out.guest_svn, reader.le32("guest SVN"));
  ATTESTD_TRY(out.policy.raw, reader.le64("guest policy"));
  ATTESTD_TRY(out.family_id, reader.fixed<16>("family ID"));
  ATTESTD_TRY(out.image_id, reader.fixed<16>("image ID"));
  ATTESTD_TRY(out.vmpl, reader.le32("VMPL"));
  ATTESTD_TRY(out.signature_algorithm, reader.le32("signature algorithm"));
  ATTESTD_TRY(out.current_tcb, reader.le64("current TCB"));
  ATTESTD_TRY(out.platform_info, reader.le64("platform info"));
  const std::size_t flags_offset = reader.offset();
  ATTESTD_TRY(out.key_flags, reader.le32("key flags"));
  if ((out.key_flags >> 5U) != 0) return fail_at(Errc::malformed, flags_offset, "reserved key flags are not zero");
  return take_reserved(reader, 4);
}

Result<void> take_measurements(Reader& reader, SnpReport& out) {
  ATTESTD_TRY(out.report_data, reader.fixed<64>("report data"));
  ATTESTD_TRY(out.measurement, reader.fixed<48>("measurement"));
  ATTESTD_TRY(out.host_data, reader.fixed<32>("host data"));
  ATTESTD_TRY(out.id_key_digest, reader.fixed<48>("ID key digest"));
  ATTESTD_TRY(out.author_key_digest, reader.fixed<48>("author key digest"));
  ATTESTD_TRY(out.report_id, reader.fixed<32>("report ID"));
  ATTESTD_TRY(out.report_id_ma, reader.fixed<32>("report ID of the migration agent"));
  return {};
}

Result<void> take_platform(Reader& reader, SnpReport& out) {
  ATTESTD_TRY(out.reported_tcb, reader.le64("reported TCB"));
  if (out.version >= 3) {
    ATTESTD_TRY(out.cpuid_family, reader.u8("CPUID family"));
    ATTESTD_TRY(out.cpuid_model, reader.u8("CPUID model"));
    ATTESTD_TRY(out.cpuid_stepping, reader.u8("CPUID stepping"));
    ATTESTD_CHECK(take_reserved(reader, 21));
  } else {
    ATTESTD_CHECK(take_reserved(reader, 24));
  }
  ATTESTD_TRY(out.chip_id, reader.fixed<64>("chip ID"));
  ATTESTD_TRY(out.committed_tcb, reader.le64("committed TCB"));
  ATTESTD_TRY(out.current_firmware, take_firmware_version(reader, "current firmware version"));
  ATTESTD_TRY(out.committed_firmware, take_firmware_version(reader, "committed firmware version"));
  ATTESTD_TRY(out.launch_tcb, reader.le64("launch TCB"));
  if (out.version >= 5) {
    ATTESTD_TRY(out.launch_mitigations, reader.le64("launch mitigation vector"));
    ATTESTD_TRY(out.current_mitigations, reader.le64("current mitigation vector"));
  }
  return take_reserved(reader, snp_report_signed_size - reader.offset());
}

void put_firmware_version(Writer& writer, const SnpFirmwareVersion& version) {
  writer.u8(version.build).u8(version.minor).u8(version.major).zeros(1);
}

}  // namespace

std::string_view snp_product_name(SnpProduct product) {
  for (const auto& entry : product_names) {
    if (entry.product == product) return entry.name;
  }
  return "unknown";
}

std::optional<SnpProduct> snp_product_from_name(std::string_view name) {
  for (const auto& entry : product_names) {
    if (entry.name == name) return entry.product;
  }
  return std::nullopt;
}

// AMD's "Revision Guide" of each line lists the models: 19h 00h-0Fh Milan,
// 10h-1Fh Genoa, A0h-AFh Bergamo and Siena (which use Genoa's keys), 1Ah 00h-1Fh Turin.
std::optional<SnpProduct> snp_product_from_cpuid(std::uint8_t family, std::uint8_t model) {
  const unsigned group = model >> 4U;
  if (family == 0x19) {
    if (group == 0x0) return SnpProduct::milan;
    if (group == 0x1 || group == 0xa) return SnpProduct::genoa;
  }
  if (family == 0x1a && group <= 0x1) return SnpProduct::turin;
  return std::nullopt;
}

// 56860 section 2.2, table 3 (Milan, Genoa) and table 4 (Turin).
SnpTcb decode_snp_tcb(std::uint64_t raw, SnpProduct product) {
  SnpTcb out;
  if (product == SnpProduct::turin) {
    out.fmc = byte_of(raw, 0);
    out.bootloader = byte_of(raw, 1);
    out.tee = byte_of(raw, 2);
    out.snp = byte_of(raw, 3);
  } else {
    out.bootloader = byte_of(raw, 0);
    out.tee = byte_of(raw, 1);
    out.snp = byte_of(raw, 6);
  }
  out.microcode = byte_of(raw, 7);
  return out;
}

std::uint64_t encode_snp_tcb(const SnpTcb& tcb, SnpProduct product) {
  if (product == SnpProduct::turin) {
    return at_byte(tcb.fmc.value_or(0), 0) | at_byte(tcb.bootloader, 1) | at_byte(tcb.tee, 2) | at_byte(tcb.snp, 3) |
           at_byte(tcb.microcode, 7);
  }
  return at_byte(tcb.bootloader, 0) | at_byte(tcb.tee, 1) | at_byte(tcb.snp, 6) | at_byte(tcb.microcode, 7);
}

std::optional<SnpProduct> SnpReport::product() const {
  if (version < 3) return std::nullopt;
  return snp_product_from_cpuid(cpuid_family, cpuid_model);
}

Result<SnpReport> parse_snp_report(ByteView bytes) {
  if (bytes.size() < snp_report_size) {
    return fail_at(Errc::truncated, bytes.size(),
                   "SNP report has " + std::to_string(bytes.size()) + " bytes, must have 1184");
  }
  if (bytes.size() > snp_report_size) {
    return fail_at(Errc::out_of_range, snp_report_size,
                   "SNP report has " + std::to_string(bytes.size()) + " bytes, must have 1184");
  }
  Reader reader(bytes);
  SnpReport out;
  ATTESTD_TRY(out.version, reader.le32("version"));
  if (out.version < 2 || out.version > 5) {
    return fail_at(Errc::unsupported, 0, "SNP report version " + std::to_string(out.version) + " is not 2 to 5");
  }
  ATTESTD_CHECK(take_identity(reader, out));
  ATTESTD_CHECK(take_measurements(reader, out));
  ATTESTD_CHECK(take_platform(reader, out));
  ATTESTD_TRY(out.signature_r, take_signature_component(reader, "R of the signature"));
  ATTESTD_TRY(out.signature_s, take_signature_component(reader, "S of the signature"));
  ATTESTD_CHECK(take_reserved(reader, signature_reserved_size));
  return out;
}

Bytes encode_snp_report(const SnpReport& report) {
  Writer writer;
  writer.le32(report.version).le32(report.guest_svn).le64(report.policy.raw);
  writer.raw(report.family_id).raw(report.image_id).le32(report.vmpl).le32(report.signature_algorithm);
  writer.le64(report.current_tcb).le64(report.platform_info).le32(report.key_flags).zeros(4);
  writer.raw(report.report_data).raw(report.measurement).raw(report.host_data);
  writer.raw(report.id_key_digest).raw(report.author_key_digest).raw(report.report_id).raw(report.report_id_ma);
  writer.le64(report.reported_tcb);
  if (report.version >= 3) {
    writer.u8(report.cpuid_family).u8(report.cpuid_model).u8(report.cpuid_stepping).zeros(21);
  } else {
    writer.zeros(24);
  }
  writer.raw(report.chip_id).le64(report.committed_tcb);
  put_firmware_version(writer, report.current_firmware);
  put_firmware_version(writer, report.committed_firmware);
  writer.le64(report.launch_tcb);
  if (report.version >= 5) writer.le64(report.launch_mitigations).le64(report.current_mitigations);
  writer.zeros(snp_report_signed_size - writer.bytes().size());
  writer.raw(report.signature_r).raw(report.signature_s).zeros(signature_reserved_size);
  return writer.take();
}

}  // namespace attestd
