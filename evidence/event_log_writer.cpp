#include "evidence/event_log_writer.h"

#include <string>

#include "base/encoding.h"

namespace attestd {
namespace {

constexpr std::string_view spec_id_signature{"Spec ID Event03\0", 16};
constexpr std::string_view startup_locality_signature{"StartupLocality\0", 16};

std::vector<EventDigest> digests_of(const std::vector<HashAlgorithm>& algorithms, ByteView data) {
  std::vector<EventDigest> out;
  out.reserve(algorithms.size());
  for (const HashAlgorithm algorithm : algorithms) out.push_back({algorithm, digest(algorithm, {data})});
  return out;
}

std::vector<EventDigest> zero_digests(const std::vector<HashAlgorithm>& algorithms) {
  std::vector<EventDigest> out;
  out.reserve(algorithms.size());
  for (const HashAlgorithm algorithm : algorithms) out.push_back({algorithm, Bytes(hash_size(algorithm))});
  return out;
}

// RFC 8259 section 7, for text that is valid UTF-8 already.
std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (code < 0x20) {
      out += "\\u00" + to_hex(Writer().u8(code).bytes());
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

EventLogWriter::EventLogWriter(std::vector<HashAlgorithm> algorithms) : algorithms_(std::move(algorithms)) {
  // TCG PC Client Platform Firmware Profile 1.06 section 10.4.5.1 (TCG_EfiSpecIDEvent),
  // wrapped in the one TCG_PCR_EVENT of such a log (section 10.2.1).
  Writer header;
  header.raw(as_bytes(spec_id_signature))
      .le32(0)  // platformClass: client
      .u8(0)    // specVersionMinor
      .u8(2)    // specVersionMajor
      .u8(0)    // specErrata
      .u8(2)    // uintnSize: 64 bits
      .le32(static_cast<std::uint32_t>(algorithms_.size()));
  for (const HashAlgorithm algorithm : algorithms_) {
    header.le16(static_cast<std::uint16_t>(algorithm)).le16(static_cast<std::uint16_t>(hash_size(algorithm)));
  }
  header.u8(0);  // vendorInfoSize
  out_ = Writer()
             .le32(0)
             .le32(ev_no_action)
             .zeros(hash_size(HashAlgorithm::sha1))
             .le32(static_cast<std::uint32_t>(header.bytes().size()))
             .raw(header.bytes())
             .take();
}

std::vector<EventDigest> EventLogWriter::measure(unsigned pcr, std::uint32_t type, ByteView data) {
  return measure(pcr, type, data, data);
}

std::vector<EventDigest> EventLogWriter::measure(unsigned pcr, std::uint32_t type, ByteView measured, ByteView data) {
  auto digests = type == ev_no_action ? zero_digests(algorithms_) : digests_of(algorithms_, measured);
  append(pcr, type, digests, data);
  return digests;
}

void EventLogWriter::startup_locality(std::uint8_t locality) {
  const Bytes data = Writer().raw(as_bytes(startup_locality_signature)).u8(locality).take();
  append(0, ev_no_action, zero_digests(algorithms_), data);
}

void EventLogWriter::append(unsigned pcr, std::uint32_t type, const std::vector<EventDigest>& digests, ByteView data) {
  Writer event;
  event.le32(pcr).le32(type).le32(static_cast<std::uint32_t>(digests.size()));
  for (const EventDigest& digest : digests) event.le16(static_cast<std::uint16_t>(digest.algorithm)).raw(digest.value);
  event.le32(static_cast<std::uint32_t>(data.size())).raw(data);
  out_.insert(out_.end(), event.bytes().begin(), event.bytes().end());
}

Bytes encode_uefi_variable_data(const FixedBytes<16>& guid, std::string_view name, ByteView value) {
  Writer out;
  out.raw(guid).le64(name.size()).le64(value.size());
  for (const char c : name) out.le16(static_cast<unsigned char>(c));
  return out.raw(value).take();
}

UserspaceRecord write_userspace_record(unsigned pcr, const std::vector<HashAlgorithm>& algorithms,
                                       std::string_view event_type, std::string_view string) {
  UserspaceRecord record{{}, digests_of(algorithms, as_bytes(string))};
  std::string json = "\x1e{\"pcr\":" + std::to_string(pcr) + ",\"digests\":[";
  for (std::size_t i = 0; i < record.digests.size(); ++i) {
    if (i > 0) json += ',';
    json += R"({"hashAlg":")" + std::string(hash_name(record.digests[i].algorithm)) + R"(","digest":")" +
            to_hex(record.digests[i].value) + "\"}";
  }
  json += R"(],"content_type":"systemd","content":{"eventType":)" + json_string(event_type) +
          ",\"string\":" + json_string(string) + "}}\n";
  record.bytes = to_bytes(json);
  return record;
}

}  // namespace attestd
