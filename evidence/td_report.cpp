#include "evidence/td_report.h"

#include <algorithm>
#include <string>

#include "evidence/digest.h"

namespace attestd {
namespace {

constexpr std::size_t tcb_info_offset = 0x100;
constexpr std::size_t tcb_info_size = 239;
constexpr std::size_t td_info_offset = 0x200;
constexpr std::size_t td_info_size = 512;

FixedBytes<48> sha384(ByteView bytes) {
  const Bytes value = digest(HashAlgorithm::sha384, {bytes});
  FixedBytes<48> out{};
  std::ranges::copy(value, out.begin());
  return out;
}
FixedBytes<48> tcb_info_digest(ByteView report) { return sha384(report.subspan(tcb_info_offset, tcb_info_size)); }
FixedBytes<48> td_info_digest(ByteView report) { return sha384(report.subspan(td_info_offset, td_info_size)); }

Result<void> take_mac_structure(Reader& reader, TdReport& out) {
  ATTESTD_TRY(out.type, reader.u8("report type"));
  if (out.type != td_tee_type_tdx) {
    return fail_at(Errc::unsupported, 0, "TDREPORT has type " + std::to_string(out.type) + ", not 129 (TDX)");
  }
  ATTESTD_TRY(out.subtype, reader.u8("report subtype"));
  if (out.subtype != 0) {
    return fail_at(Errc::unsupported, 1, "TDREPORT has subtype " + std::to_string(out.subtype) + ", not 0");
  }
  ATTESTD_TRY(out.version, reader.u8("report version"));
  ATTESTD_CHECK(reader.skip(13, "reserved field"));
  ATTESTD_TRY(out.cpusvn, reader.fixed<16>("CPUSVN"));
  ATTESTD_TRY(out.tee_tcb_info_digest, reader.fixed<48>("digest of TEE_TCB_INFO"));
  ATTESTD_TRY(out.tee_info_digest, reader.fixed<48>("digest of TDINFO"));
  ATTESTD_TRY(out.report_data, reader.fixed<64>("report data"));
  ATTESTD_CHECK(reader.skip(32, "reserved field"));
  ATTESTD_TRY(out.mac, reader.fixed<32>("MAC"));
  return {};
}

Result<void> take_tcb_info(Reader& reader, TdReport& out) {
  ATTESTD_TRY(out.valid, reader.le64("valid fields of TEE_TCB_INFO"));
  ATTESTD_CHECK(take_tee_tcb_fields(reader, out));
  ATTESTD_TRY(out.tee_tcb_svn_2, reader.fixed<16>("TEE TCB SVN 2"));
  return reader.skip(td_info_offset - reader.offset(), "reserved field");
}

Result<void> take_td_info(Reader& reader, TdReport& out) {
  ATTESTD_CHECK(take_td_info_fields(reader, out));
  ATTESTD_TRY(out.servtd_hash, reader.fixed<48>("SERVTD_HASH"));
  return {};
}

}  // namespace

Result<TdReport> parse_td_report(ByteView bytes) {
  if (bytes.size() != td_report_size) {
    return fail_at(bytes.size() < td_report_size ? Errc::truncated : Errc::out_of_range,
                   std::min(bytes.size(), td_report_size),
                   "TDREPORT has " + std::to_string(bytes.size()) + " bytes, must have 1024");
  }
  Reader reader(bytes);
  TdReport out;
  ATTESTD_CHECK(take_mac_structure(reader, out));
  ATTESTD_CHECK(take_tcb_info(reader, out));
  ATTESTD_CHECK(take_td_info(reader, out));
  return out;
}

Bytes encode_td_report(const TdReport& report) {
  Writer writer;
  writer.u8(report.type).u8(report.subtype).u8(report.version).zeros(13).raw(report.cpusvn);
  writer.raw(report.tee_tcb_info_digest).raw(report.tee_info_digest).raw(report.report_data).zeros(32).raw(report.mac);
  writer.le64(report.valid);
  put_tee_tcb_fields(writer, report);
  writer.raw(report.tee_tcb_svn_2);
  writer.zeros(td_info_offset - writer.bytes().size());
  put_td_info_fields(writer, report);
  writer.raw(report.servtd_hash);
  writer.zeros(td_report_size - writer.bytes().size());
  return writer.take();
}

Result<void> check_td_report_digests(ByteView bytes) {
  ATTESTD_TRY(const TdReport report, parse_td_report(bytes));
  if (tcb_info_digest(bytes) != report.tee_tcb_info_digest) {
    return fail(Errc::mismatch, "TDREPORT's digest of TEE_TCB_INFO is not that of its TEE_TCB_INFO");
  }
  if (td_info_digest(bytes) != report.tee_info_digest) {
    return fail(Errc::mismatch, "TDREPORT's digest of TDINFO is not that of its TDINFO");
  }
  return {};
}

void set_td_report_digests(TdReport& report) {
  const Bytes bytes = encode_td_report(report);
  report.tee_tcb_info_digest = tcb_info_digest(bytes);
  report.tee_info_digest = td_info_digest(bytes);
}

TdQuoteBody td_quote_body(const TdReport& report, TdBodyType type) {
  TdQuoteBody out;
  out.type = type;
  static_cast<TeeTcbFields&>(out) = static_cast<const TeeTcbFields&>(report);
  static_cast<TdInfoFields&>(out) = static_cast<const TdInfoFields&>(report);
  out.report_data = report.report_data;
  if (type == TdBodyType::td_15) {
    out.tee_tcb_svn_2 = report.tee_tcb_svn_2;
    out.mrservicetd = report.servtd_hash;
  }
  return out;
}

}  // namespace attestd
