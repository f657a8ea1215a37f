#include "evidence/ccel.h"

#include <algorithm>
#include <numeric>

#include "evidence/event_facts.h"

namespace attestd {
namespace {

constexpr std::string_view ccel_signature = "CCEL";
constexpr std::size_t checksum_offset = 9;
constexpr std::uint32_t highest_register = 4;
constexpr std::uint32_t secure_boot_register = 1;  // PCR 7 is RTMR 0

std::uint8_t sum_of(ByteView bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), std::uint8_t{0}, [](std::uint8_t sum, std::byte byte) {
    return static_cast<std::uint8_t>(sum + std::to_integer<std::uint8_t>(byte));
  });
}

}  // namespace

Result<CcelTable> parse_ccel_table(ByteView bytes) {
  Reader reader(bytes);
  CcelTable out;
  ATTESTD_TRY(const ByteView signature, reader.take(ccel_signature.size(), "signature"));
  if (as_text(signature) != ccel_signature) return fail_at(Errc::malformed, 0, "the ACPI table is not a CCEL");
  ATTESTD_TRY(const std::uint32_t length, reader.le32("table length"));
  if (length != ccel_table_size) {
    return fail_at(Errc::malformed, 4, "CCEL table claims " + std::to_string(length) + " bytes, must have 56");
  }
  ATTESTD_TRY(out.revision, reader.u8("revision"));
  ATTESTD_CHECK(reader.skip(1, "checksum"));
  ATTESTD_TRY(out.oem_id, reader.fixed<6>("OEM ID"));
  ATTESTD_TRY(out.oem_table_id, reader.fixed<8>("OEM table ID"));
  ATTESTD_TRY(out.oem_revision, reader.le32("OEM revision"));
  ATTESTD_TRY(out.creator_id, reader.le32("creator ID"));
  ATTESTD_TRY(out.creator_revision, reader.le32("creator revision"));
  ATTESTD_TRY(out.cc_type, reader.u8("CC type"));
  ATTESTD_TRY(out.cc_subtype, reader.u8("CC subtype"));
  ATTESTD_CHECK(reader.skip(2, "reserved field"));
  ATTESTD_TRY(out.log_area_minimum_length, reader.le64("log area minimum length"));
  ATTESTD_TRY(out.log_area_start_address, reader.le64("log area start address"));
  if (!reader.empty()) {
    return fail_at(Errc::out_of_range, reader.offset(),
                   std::to_string(reader.remaining()) + " bytes follow the CCEL table");
  }
  // ACPI 6.5 section 5.2.6: all bytes of a table add up to zero.
  if (sum_of(bytes) != 0) return fail_at(Errc::malformed, checksum_offset, "CCEL table has a wrong checksum");
  return out;
}

Bytes encode_ccel_table(const CcelTable& table) {
  Writer writer;
  writer.raw(as_bytes(ccel_signature)).le32(ccel_table_size).u8(table.revision).u8(0);
  writer.raw(table.oem_id).raw(table.oem_table_id).le32(table.oem_revision);
  writer.le32(table.creator_id).le32(table.creator_revision).u8(table.cc_type).u8(table.cc_subtype).zeros(2);
  writer.le64(table.log_area_minimum_length).le64(table.log_area_start_address);
  Bytes out = writer.take();
  out[checksum_offset] = std::byte{static_cast<std::uint8_t>(0x100 - sum_of(out))};
  return out;
}

Result<EventLog> parse_cc_event_log(ByteView area) {
  ATTESTD_TRY(EventLog log, parse_event_log(area));
  if (std::ranges::find(log.algorithms, HashAlgorithm::sha384) == log.algorithms.end()) {
    return fail_at(Errc::unsupported, 0, "the CC event log has no SHA-384 digests, which is all that RTMRs take");
  }
  for (const Event& event : log.events) {
    if (event.type == ev_no_action || event.register_index <= highest_register) continue;
    return fail_at(Errc::malformed, event.offset,
                   "event of the CC event log names measurement register " + std::to_string(event.register_index) +
                       ", there are 0 to 4");
  }
  return log;
}

Bytes trim_cc_event_log(ByteView area) {
  const auto log = parse_cc_event_log(area);
  return to_bytes(area.first(area.size() - (log ? log->padding : 0)));
}

std::string cc_register_name(std::uint32_t index) {
  if (index == 0) return "MRTD";
  if (index <= highest_register) return "RTMR" + std::to_string(index - 1);
  return "register " + std::to_string(index);
}

void rtmr_extend(FixedBytes<48>& value, ByteView event_digest) {
  const Bytes next = digest(HashAlgorithm::sha384, {value, event_digest});
  std::ranges::copy(next, value.begin());
}

Rtmrs replay_rtmrs(const EventLog& log) {
  Rtmrs out{};
  for (const Event& event : log.events) {
    if (event.type == ev_no_action) continue;
    if (event.register_index == 0 || event.register_index > highest_register) continue;
    const auto found = std::ranges::find(event.digests, HashAlgorithm::sha384, &EventDigest::algorithm);
    // Without one nothing is extended here; if the TD did, the quote differs.
    if (found != event.digests.end()) rtmr_extend(out[event.register_index - 1], found->value);
  }
  return out;
}

std::optional<unsigned> rtmr_of_pcr(unsigned pcr) {
  if (pcr == 1 || pcr == 7) return 0;
  if (pcr >= 2 && pcr <= 6) return 1;
  if (pcr >= 8 && pcr <= 15) return 2;
  return std::nullopt;
}

std::optional<bool> cc_measured_secure_boot(const EventLog& log) {
  return measured_secure_boot(log, HashAlgorithm::sha384, secure_boot_register);
}

}  // namespace attestd
