#include "evidence/event_log.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "base/encoding.h"
#include "evidence/event_facts.h"
#include "evidence/event_log_writer.h"
#include "evidence/event_names.h"
#include "evidence/tpm_json.h"
#include "tests/catch.h"
#include "tests/vectors.h"

using namespace attestd;
using test::vector_file;

namespace {

const std::vector both{HashAlgorithm::sha1, HashAlgorithm::sha256};

Bytes extended(HashAlgorithm bank, Bytes value, ByteView data) {
  pcr_extend(bank, value, digest(bank, {data}));
  return value;
}

// One TCG_PCR_EVENT (legacy form).
Bytes legacy(std::uint32_t pcr, std::uint32_t type, ByteView data) {
  return Writer()
      .le32(pcr)
      .le32(type)
      .raw(type == ev_no_action ? Bytes(20) : digest(HashAlgorithm::sha1, {data}))
      .le32(static_cast<std::uint32_t>(data.size()))
      .raw(data)
      .take();
}

// A SpecID header of sha256 and the unregistered algorithm 0x7777 with 5-byte digests.
Bytes header_with_unknown_algorithm() {
  const Bytes data = Writer()
                         .raw(as_bytes(std::string_view("Spec ID Event03\0", 16)))
                         .le32(0)
                         .u8(0)
                         .u8(2)
                         .u8(0)
                         .u8(2)
                         .le32(2)
                         .le16(0x7777)
                         .le16(5)
                         .le16(0x000b)
                         .le16(32)
                         .u8(0)
                         .take();
  return legacy(0, ev_no_action, data);
}

Bytes global_guid() { return *from_hex("61dfe48bca93d211aa0d00e098032b8c"); }

FixedBytes<16> guid_of(const Bytes& bytes) {
  FixedBytes<16> out{};
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

Bytes secure_boot_variable(unsigned char value) {
  return encode_uefi_variable_data(guid_of(global_guid()), "SecureBoot", Bytes(1, static_cast<std::byte>(value)));
}

}  // namespace

TEST_CASE("a log that we write is read back and replays") {
  EventLogWriter writer(both);
  writer.startup_locality(3);
  writer.measure(0, ev_s_crtm_version, as_bytes("v1"));
  writer.measure(4, ev_efi_boot_services_application, as_bytes("the image"), as_bytes("its path"));
  const auto log = parse_event_log(writer.bytes());
  REQUIRE(log);
  CHECK(log->crypto_agile);
  CHECK(log->algorithms == both);
  CHECK(log->startup_locality == 3);
  REQUIRE(log->events.size() == 4);
  CHECK(as_text(log->events[3].data) == "its path");
  CHECK(log->events[3].register_index == 4);
  for (const HashAlgorithm bank : both) {
    Bytes start(hash_size(bank));
    start.back() = std::byte{3};
    const PcrBank values = replay(*log, bank);
    CHECK(values.size() == 2);
    CHECK(values.at(0) == extended(bank, start, as_bytes("v1")));
    CHECK(values.at(4) == extended(bank, Bytes(hash_size(bank)), as_bytes("the image")));
  }
}

TEST_CASE("EV_NO_ACTION is kept in the log but never extended") {
  EventLogWriter writer(both);
  writer.measure(5, ev_no_action, as_bytes("only words"));
  const auto log = parse_event_log(writer.bytes());
  REQUIRE(log);
  CHECK(log->events.size() == 2);
  CHECK_FALSE(replay(*log, HashAlgorithm::sha256).contains(5));
  CHECK(replay(*log, HashAlgorithm::sha256).at(0) == Bytes(32));
  // Even when somebody gave it a digest.
  Bytes bytes = writer.bytes();
  bytes[bytes.size() - 10 - 4 - 1] = std::byte{1};
  CHECK_FALSE(replay(*parse_event_log(bytes), HashAlgorithm::sha256).contains(5));
}

TEST_CASE("0xff or zero padding after the last event is counted, other trailing bytes are not padding") {
  EventLogWriter writer(both);
  writer.measure(7, ev_separator, Bytes(4));
  for (const std::byte fill : {std::byte{0xff}, std::byte{0}}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{31}, std::size_t{4096}}) {
      Bytes bytes = writer.bytes();
      bytes.insert(bytes.end(), size, fill);
      const auto log = parse_event_log(bytes);
      REQUIRE(log);
      CHECK(log->events.size() == 2);
      CHECK(log->padding == size);
    }
  }
  Bytes bytes = writer.bytes();
  bytes.insert(bytes.end(), 64, std::byte{0xff});
  bytes.push_back(std::byte{1});
  CHECK_FALSE(parse_event_log(bytes));
  CHECK_FALSE(parse_event_log({}));
  CHECK_FALSE(parse_event_log(Bytes(4096)));
}

TEST_CASE("a SHA-1-only log is read, and replays no other bank") {
  Bytes bytes = legacy(0, ev_s_crtm_version, as_bytes("v1"));
  const Bytes second = legacy(4, ev_action, as_bytes("boot"));
  bytes.insert(bytes.end(), second.begin(), second.end());
  const auto log = parse_event_log(bytes);
  REQUIRE(log);
  CHECK_FALSE(log->crypto_agile);
  CHECK(log->algorithms == std::vector{HashAlgorithm::sha1});
  CHECK(replay(*log, HashAlgorithm::sha1).at(4) == extended(HashAlgorithm::sha1, Bytes(20), as_bytes("boot")));
  CHECK(replay(*log, HashAlgorithm::sha256).empty());
}

TEST_CASE("digests of an algorithm that we do not know are stepped over by the header's sizes") {
  Bytes bytes = header_with_unknown_algorithm();
  const Bytes value = digest(HashAlgorithm::sha256, {as_bytes("data")});
  const Bytes event = Writer()
                          .le32(1)
                          .le32(ev_action)
                          .le32(2)
                          .le16(0x7777)
                          .raw(as_bytes("12345"))
                          .le16(0x000b)
                          .raw(value)
                          .le32(4)
                          .raw(as_bytes("data"))
                          .take();
  bytes.insert(bytes.end(), event.begin(), event.end());
  const auto log = parse_event_log(bytes);
  REQUIRE(log);
  CHECK(log->algorithms == std::vector{HashAlgorithm::sha256});
  CHECK(replay(*log, HashAlgorithm::sha256).at(1) == extended(HashAlgorithm::sha256, Bytes(32), as_bytes("data")));
}

TEST_CASE("a log's lies about its own structure are refused, each with its place") {
  struct Case {
    const char* what;
    Bytes event;
    Errc code;
  };
  const Bytes zeros(32);
  const auto start = [] { return Writer().le32(1).le32(ev_action); };
  const std::vector<Case> cases{
      {"an algorithm that the header does not list", start().le32(1).le16(0x0004).zeros(20).le32(0).take(),
       Errc::malformed},
      {"more digests than algorithms", start().le32(3).zeros(64).take(), Errc::malformed},
      {"a bank twice", start().le32(2).le16(0x000b).raw(zeros).le16(0x000b).raw(zeros).le32(0).u8(1).take(),
       Errc::malformed},
      {"a size beyond the end", start().le32(1).le16(0x000b).raw(zeros).le32(9).u8(1).take(), Errc::truncated},
      {"a size of 4 GiB", start().le32(1).le16(0x000b).raw(zeros).le32(0xffffffff).u8(1).take(), Errc::out_of_range},
      {"an event cut short", start().le16(1).take(), Errc::truncated},
  };
  const Bytes header = header_with_unknown_algorithm();
  for (const Case& each : cases) {
    INFO(each.what);
    Bytes bytes = header;
    bytes.insert(bytes.end(), each.event.begin(), each.event.end());
    const auto log = parse_event_log(bytes);
    REQUIRE_FALSE(log);
    CHECK(log.error().code == each.code);
    CHECK(log.error().offset.value_or(0) >= header.size());
  }
}

TEST_CASE("the startup locality is believed once, and only where it can occur") {
  EventLogWriter conflicting(both);
  conflicting.startup_locality(3);
  conflicting.startup_locality(4);
  CHECK(parse_event_log(conflicting.bytes()).error().code == Errc::malformed);
  EventLogWriter impossible(both);
  impossible.startup_locality(2);
  CHECK(parse_event_log(impossible.bytes()).error().code == Errc::out_of_range);
  // In an event that is measured these are but bytes.
  EventLogWriter measured(both);
  measured.measure(0, ev_action, as_bytes(std::string_view("StartupLocality\0\x03", 17)));
  CHECK(parse_event_log(measured.bytes())->startup_locality == 0);
}

TEST_CASE("Secure Boot is known only from what PCR 7 measured") {
  const auto facts_of = [](const EventLogWriter& writer) {
    return decode_event_facts(*parse_event_log(writer.bytes()));
  };
  const auto variable = ev_efi_variable_driver_config;
  SECTION("on and off") {
    for (const unsigned char value : {std::uint8_t{0}, std::uint8_t{1}}) {
      EventLogWriter writer(both);
      writer.measure(7, variable, secure_boot_variable(value));
      CHECK(facts_of(writer).secure_boot == (value == 1));
      CHECK(facts_of(writer).mismatches.empty());
    }
  }
  SECTION("not when the data is not what was measured") {
    EventLogWriter writer(both);
    writer.measure(7, variable, secure_boot_variable(0), secure_boot_variable(1));
    const EventFacts facts = facts_of(writer);
    CHECK_FALSE(facts.secure_boot.has_value());
    CHECK(facts.secure_boot_detail == "SecureBoot's data is not what was measured");
    CHECK(facts.mismatches.size() == 1);
  }
  SECTION("not when only one bank agrees") {
    EventLogWriter writer(both);
    writer.measure(7, variable, secure_boot_variable(1));
    Bytes bytes = writer.bytes();
    const Bytes data = secure_boot_variable(1);
    bytes[bytes.size() - data.size() - 4 - 1] ^= std::byte{1};  // the last byte of the SHA-256 digest
    CHECK_FALSE(decode_event_facts(*parse_event_log(bytes)).secure_boot.has_value());
  }
  SECTION("not from another PCR, another vendor's variable, EV_NO_ACTION or after the separator") {
    EventLogWriter writer(both);
    writer.measure(1, variable, secure_boot_variable(1));
    writer.measure(7, variable, encode_uefi_variable_data({}, "SecureBoot", Bytes(1, std::byte{1})));
    writer.measure(7, ev_no_action, secure_boot_variable(1));
    CHECK_FALSE(facts_of(writer).secure_boot.has_value());
    writer.measure(7, ev_separator, Bytes(4));
    writer.measure(7, variable, secure_boot_variable(1));
    CHECK_FALSE(facts_of(writer).secure_boot.has_value());
  }
  SECTION("not when two events disagree") {
    EventLogWriter writer(both);
    writer.measure(7, variable, secure_boot_variable(1));
    writer.measure(7, variable, secure_boot_variable(0));
    CHECK_FALSE(facts_of(writer).secure_boot.has_value());
  }
}

TEST_CASE("Secure Boot as measured needs no type and no data, and knows each bank by itself") {
  const auto measured = [](const EventLogWriter& writer, HashAlgorithm bank) {
    return measured_secure_boot(*parse_event_log(writer.bytes()), bank);
  };
  SECTION("on, off and absent, whatever the type says") {
    for (const unsigned char value : {std::uint8_t{0}, std::uint8_t{1}}) {
      EventLogWriter writer(both);
      writer.measure(7, ev_ipl, secure_boot_variable(value), as_bytes("something else"));
      for (const HashAlgorithm bank : both) CHECK(measured(writer, bank) == (value == 1));
    }
    EventLogWriter absent(both);
    absent.measure(7, ev_efi_variable_driver_config,
                   encode_uefi_variable_data(guid_of(global_guid()), "SecureBoot", {}));
    CHECK(measured(absent, HashAlgorithm::sha256) == false);
  }
  SECTION("not in a bank without its digest, from another PCR or after a separator of any type") {
    EventLogWriter writer({HashAlgorithm::sha1});
    writer.measure(7, ev_efi_variable_driver_config, secure_boot_variable(1));
    CHECK_FALSE(measured(writer, HashAlgorithm::sha256).has_value());
    EventLogWriter later(both);
    later.measure(1, ev_efi_variable_driver_config, secure_boot_variable(1));
    later.measure(7, ev_ipl, Bytes(4), as_bytes("not called a separator"));
    later.measure(7, ev_efi_variable_driver_config, secure_boot_variable(1));
    CHECK_FALSE(measured(later, HashAlgorithm::sha256).has_value());
  }
}

TEST_CASE("EV_IPL texts count with or without their NUL, and only as measured") {
  EventLogWriter writer(both);
  const std::string_view with_nul("cmdline: a\0", 11);
  writer.measure(8, ev_ipl, as_bytes("cmdline: a"), as_bytes(with_nul));
  writer.measure(8, ev_ipl, as_bytes(with_nul), as_bytes(with_nul));
  writer.measure(9, ev_ipl, as_bytes("file contents"), as_bytes("/vmlinuz"));
  const EventFacts facts = decode_event_facts(*parse_event_log(writer.bytes()));
  REQUIRE(facts.texts.size() == 2);
  CHECK(facts.texts[0].pcr == 8);
  CHECK(facts.texts[0].text == "cmdline: a");
  CHECK(facts.mismatches.empty());
}

TEST_CASE("event types have the names of the specification") {
  CHECK(event_type_name(0x00000004) == "EV_SEPARATOR");
  CHECK(event_type_name(0x800000e0) == "EV_EFI_VARIABLE_AUTHORITY");
  CHECK(event_type_name(0x12345678) == "0x12345678");
}

TEST_CASE("hostile text in a log does not reach the terminal") {
  EventLogWriter writer(both);
  writer.measure(8, ev_ipl, as_bytes("ok\n\x1b[2J"));
  writer.measure(8, ev_ipl, as_bytes("line\nline"));
  const std::string text = event_log_to_text(*parse_event_log(writer.bytes()));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("line\\x0aline") != std::string::npos);
}

TEST_CASE("genuine logs replay to the values that their machines' TPMs had") {
  const auto expected_bytes = vector_file("tpm/eventlogs/expected-pcrs.json");
  if (!expected_bytes) return;
  const std::string json(as_text(*expected_bytes));
  const boost::json::value expected = boost::json::parse(json);
  REQUIRE(expected.as_object().size() == 4);
  for (const auto& [file, banks] : expected.as_object()) {
    INFO(std::string(file));
    const auto bytes = vector_file("tpm/eventlogs/" + std::string(file));
    REQUIRE(bytes);
    const auto log = parse_event_log(*bytes);
    REQUIRE(log);
    for (const auto& [bank, values] : banks.as_object()) {
      const auto algorithm = hash_from_name(std::string(bank));
      REQUIRE(algorithm);
      const PcrBank replayed = replay(*log, *algorithm);
      for (const auto& [index, value] : values.as_object()) {
        INFO(std::string(bank) << " " << std::string(index));
        CHECK(to_hex(replayed.at(static_cast<unsigned>(std::stoul(std::string(index))))) ==
              std::string(value.as_string()));
      }
    }
    // The JSON that inspect prints says the same.
    const boost::json::value printed = boost::json::parse(event_log_to_json(*log));
    for (const auto& [bank, values] : banks.as_object()) {
      for (const auto& [index, value] : values.as_object()) {
        CHECK(printed.at("replay").at(bank).at(index) == value);
      }
    }
  }
}

TEST_CASE("every genuine log is read, whole, and cut anywhere gives an error or a shorter log") {
  for (const char* const name : {"arch-linux-workstation.bin", "debian-10.bin", "rhel8-uefi.bin",
                                 "sd-boot-fedora37.bin", "ubuntu-2404-amd-sevsnp.bin"}) {
    const auto bytes = vector_file(std::string("tpm/eventlogs/") + name);
    if (!bytes) return;
    INFO(name);
    const auto log = parse_event_log(*bytes);
    REQUIRE(log);
    CHECK(decode_event_facts(*log).mismatches.empty());
    for (std::size_t size = 0; size < bytes->size(); size += 97) {
      const auto cut = parse_event_log(ByteView(*bytes).first(size));
      CHECK((!cut || cut->events.size() < log->events.size()));
    }
  }
}
