#include "evidence/ccel.h"

#include "base/encoding.h"
#include "evidence/event_facts.h"
#include "evidence/event_log_writer.h"
#include "evidence/event_names.h"
#include "evidence/td_quote.h"
#include "tests/catch.h"
#include "tests/vectors.h"

using namespace attestd;

namespace {

constexpr std::string_view global_variable_hex = "61dfe48bca93d211aa0d00e098032b8c";

Bytes secure_boot(std::uint8_t value) {
  const Bytes guid = from_hex(global_variable_hex).value();
  FixedBytes<16> fixed{};
  std::ranges::copy(guid, fixed.begin());
  const std::array state{std::byte{value}};
  return encode_uefi_variable_data(fixed, "SecureBoot", state);
}

}  // namespace

TEST_CASE("the RTMRs of a genuine quote equal the replayed log of its boot") {
  const auto area = test::vector_file("tdx/ccel-cos113/ccel.bin");
  const auto quote_bytes = test::vector_file("tdx/ccel-cos113/quote.bin");
  if (!area || !quote_bytes) return;
  const auto log = parse_cc_event_log(*area);
  REQUIRE(log);
  CHECK(log->padding == 262144 - 18101);
  const auto quote = parse_td_quote(*quote_bytes);
  REQUIRE(quote);
  const Rtmrs replayed = replay_rtmrs(*log);
  for (unsigned i = 0; i < 4; ++i) {
    CAPTURE(i);
    CHECK(replayed[i] == quote->body.rtmrs[i]);
    CHECK(all_zero(replayed[i]) == (i == 3));
  }
  CHECK(cc_measured_secure_boot(*log) == std::optional(false));
}

TEST_CASE("a flipped bit in any digest of a genuine log changes an RTMR") {
  const auto area = test::vector_file("tdx/ccel-cos113/ccel.bin");
  if (!area) return;
  const auto log = parse_cc_event_log(*area);
  REQUIRE(log);
  const Rtmrs genuine = replay_rtmrs(*log);
  for (std::size_t i = 0; i < log->events.size(); ++i) {
    if (log->events[i].type == ev_no_action) continue;
    CAPTURE(i);
    EventLog changed = *log;
    changed.events[i].digests.at(0).value.back() ^= std::byte{1};
    CHECK(replay_rtmrs(changed) != genuine);
  }
}

TEST_CASE("a trimmed log ends with its last event and replays alike") {
  const auto area = test::vector_file("tdx/ccel-cos113/ccel.bin");
  if (!area) return;
  const Bytes trimmed = trim_cc_event_log(*area);
  CHECK(trimmed.size() == 18101);
  CHECK(replay_rtmrs(parse_cc_event_log(trimmed).value()) == replay_rtmrs(parse_cc_event_log(*area).value()));
}

TEST_CASE("a log that does not parse is not trimmed") {
  const Bytes garbage(100, std::byte{0x41});
  CHECK(trim_cc_event_log(garbage) == garbage);
}

TEST_CASE("a genuine CCEL table parses and encodes to itself") {
  const auto bytes = test::vector_file("tdx/ccel-cos113/ccel-table.bin");
  if (!bytes) return;
  const auto table = parse_ccel_table(*bytes);
  REQUIRE(table);
  CHECK(table->cc_type == cc_type_tdx);
  CHECK(table->log_area_minimum_length == 262144);
  CHECK(table->log_area_start_address == 0xbedbf000);
  CHECK(encode_ccel_table(*table) == *bytes);
}

TEST_CASE("a CCEL table with any flipped byte is refused or another table") {
  CcelTable table;
  table.cc_type = cc_type_tdx;
  table.log_area_minimum_length = 65536;
  table.log_area_start_address = 0x1000;
  const Bytes bytes = encode_ccel_table(table);
  REQUIRE(bytes.size() == ccel_table_size);
  REQUIRE(parse_ccel_table(bytes));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    CAPTURE(i);
    Bytes changed = bytes;
    changed[i] ^= std::byte{1};
    CHECK_FALSE(parse_ccel_table(changed));
    CHECK_FALSE(parse_ccel_table(ByteView(bytes).first(i)));
  }
}

TEST_CASE("an event of a CC log extends the RTMR one below its index, and MRTD's none") {
  EventLogWriter writer({HashAlgorithm::sha384});
  writer.measure(0, ev_s_crtm_version, as_bytes("firmware"));
  const auto first = writer.measure(1, ev_ipl, as_bytes("one"));
  const auto second = writer.measure(4, ev_ipl, as_bytes("four"));
  writer.measure(3, ev_no_action, as_bytes("nothing"));
  const auto log = parse_cc_event_log(writer.bytes());
  REQUIRE(log);
  Rtmrs expected{};
  rtmr_extend(expected[0], first.at(0).value);
  rtmr_extend(expected[3], second.at(0).value);
  CHECK(replay_rtmrs(*log) == expected);
}

TEST_CASE("a CC log without SHA-384, or of a fifth register, is refused") {
  EventLogWriter sha256({HashAlgorithm::sha256});
  sha256.measure(1, ev_ipl, as_bytes("one"));
  CHECK(parse_cc_event_log(sha256.bytes()).error().code == Errc::unsupported);
  EventLogWriter high({HashAlgorithm::sha384});
  high.measure(5, ev_ipl, as_bytes("five"));
  CHECK(parse_cc_event_log(high.bytes()).error().code == Errc::malformed);
}

TEST_CASE("Secure Boot in a TD is what RTMR 0 saw before its separator") {
  struct Case {
    const char* name;
    std::vector<std::pair<std::uint32_t, Bytes>> events;  // register and data; empty data is a separator
    std::optional<bool> state;
  };
  const Case cases[] = {
      {"on", {{1, secure_boot(1)}, {1, {}}}, true},
      {"off", {{1, secure_boot(0)}, {1, {}}}, false},
      {"both", {{1, secure_boot(1)}, {1, secure_boot(0)}, {1, {}}}, std::nullopt},
      {"after the separator", {{1, {}}, {1, secure_boot(1)}}, std::nullopt},
      {"in another register", {{3, secure_boot(1)}, {1, {}}}, std::nullopt},
      {"nowhere", {{1, {}}}, std::nullopt},
  };
  for (const auto& entry : cases) {
    CAPTURE(entry.name);
    EventLogWriter writer({HashAlgorithm::sha384});
    for (const auto& [index, data] : entry.events) {
      if (data.empty()) {
        writer.measure(index, ev_separator, Bytes(4));
      } else {
        writer.measure(index, ev_efi_variable_driver_config, data);
      }
    }
    CHECK(cc_measured_secure_boot(parse_cc_event_log(writer.bytes()).value()) == entry.state);
  }
}

TEST_CASE("PCRs have their RTMRs as the firmware design guide maps them") {
  CHECK_FALSE(rtmr_of_pcr(0));
  CHECK(rtmr_of_pcr(1) == 0);
  CHECK(rtmr_of_pcr(7) == 0);
  for (unsigned pcr = 2; pcr <= 6; ++pcr) CHECK(rtmr_of_pcr(pcr) == 1);
  for (unsigned pcr = 8; pcr <= 15; ++pcr) CHECK(rtmr_of_pcr(pcr) == 2);
  CHECK_FALSE(rtmr_of_pcr(16));
  CHECK(cc_register_name(0) == "MRTD");
  CHECK(cc_register_name(4) == "RTMR3");
}
