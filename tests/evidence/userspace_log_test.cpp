#include "base/encoding.h"
#include "evidence/event_log.h"
#include "evidence/event_log_writer.h"
#include "tests/catch.h"

using namespace attestd;

namespace {

Bytes log_of(std::initializer_list<Bytes> records) {
  Bytes out;
  for (const Bytes& record : records) out.insert(out.end(), record.begin(), record.end());
  return out;
}

std::string record(std::string_view json) { return "\x1e" + std::string(json) + "\n"; }

}  // namespace

TEST_CASE("records that we write are read back, with their text escaped on the way") {
  const std::vector banks{HashAlgorithm::sha1, HashAlgorithm::sha256};
  const auto first = write_userspace_record(11, banks, "phase", "enter-initrd");
  const auto second = write_userspace_record(15, banks, "filesystem", "file-system:/:\"a\\b\n\x01");
  const auto events = parse_userspace_log(log_of({first.bytes, second.bytes}));
  REQUIRE(events);
  REQUIRE(events->size() == 2);
  CHECK(events->at(0).pcr == 11);
  CHECK(events->at(0).event_type == "phase");
  CHECK(events->at(0).string == "enter-initrd");
  CHECK(events->at(1).string == "file-system:/:\"a\\b\n\x01");
  REQUIRE(events->at(1).digests.size() == 2);
  CHECK(events->at(1).digests[1].value == second.digests[1].value);
}

TEST_CASE("userspace extends come on top of the firmware's values") {
  EventLogWriter writer({HashAlgorithm::sha256});
  const auto firmware = writer.measure(11, 0x0000000d, as_bytes(".linux"));
  const auto phase = write_userspace_record(11, {HashAlgorithm::sha256}, "phase", "ready");
  Bytes expected(32);
  pcr_extend(HashAlgorithm::sha256, expected, firmware[0].value);
  pcr_extend(HashAlgorithm::sha256, expected, phase.digests[0].value);
  PcrBank values = replay(*parse_event_log(writer.bytes()), HashAlgorithm::sha256);
  replay(*parse_userspace_log(phase.bytes), HashAlgorithm::sha256, values);
  CHECK(values.at(11) == expected);
}

TEST_CASE("a record as systemd writes it is read, and members of other versions ignored") {
  const std::string json =
      R"({"pcr":15,"digests":[{"hashAlg":"sha256","digest":")" + std::string(64, 'a') +
      R"("},{"hashAlg":"sha3_256","digest":"00"}],"content_type":"systemd","content":{"string":"machine-id:1",)" +
      R"("bootId":"2","timestamp":3,"eventType":"machine-id"}})";
  const auto events = parse_userspace_log(as_bytes(record(json)));
  REQUIRE(events);
  CHECK(events->at(0).digests.size() == 1);
  CHECK(events->at(0).event_type == "machine-id");
  CHECK(events->at(0).json == json);
}

TEST_CASE("logs that are cut or wrong are refused, each with its reason and place") {
  const std::string good = record(R"({"pcr":11,"digests":[]})");
  const std::vector<std::pair<std::string, Errc>> cases{
      {R"({"pcr":11,"digests":[]})", Errc::malformed},
      {good + "\x1e{\"pcr\":11,\"digests\":[]}", Errc::truncated},
      {record(R"({"digests":[]})"), Errc::not_found},
      {record(R"({"pcr":24,"digests":[]})"), Errc::out_of_range},
      {record(R"({"pcr":-1,"digests":[]})"), Errc::malformed},
      {record(R"({"pcr":11})"), Errc::not_found},
      {record(R"({"pcr":11,"pcr":12,"digests":[]})"), Errc::malformed},
      {record(R"({"pcr":11,"digests":[{"hashAlg":"sha256","digest":"00"}]})"), Errc::out_of_range},
      {record(R"({"pcr":11,"digests":[{"hashAlg":"sha256","digest":"zz"}]})"), Errc::malformed},
      {record(R"([11])"), Errc::malformed},
      {good + record("{"), Errc::malformed},
  };
  for (const auto& [log, code] : cases) {
    INFO(log);
    const auto events = parse_userspace_log(as_bytes(log));
    REQUIRE_FALSE(events);
    CHECK(events.error().code == code);
    CHECK(events.error().offset.value_or(0) <= log.size());
  }
  CHECK(parse_userspace_log({})->empty());
  CHECK(parse_userspace_log(as_bytes("\x1e" + good))->size() == 1);
}
