#include "evidence/cel.h"

#include "tests/catch.h"

using namespace attestd;

namespace {

std::vector<CelRecord> sample() {
  CelRecord pcr;
  pcr.record_number = 0;
  pcr.register_index = 14;
  pcr.digests = {{HashAlgorithm::sha1, Bytes(20, std::byte{1})}, {HashAlgorithm::sha384, Bytes(48, std::byte{2})}};
  pcr.content_type = cel_content_pcclient_std;
  pcr.content = to_bytes("boot");
  CelRecord rtmr = pcr;
  rtmr.record_number = 1;
  rtmr.register_kind = CelRegister::cc_register;
  rtmr.register_index = 4;
  rtmr.content_type = 80;
  CelRecord nv = pcr;
  nv.record_number = 2;
  nv.register_kind = CelRegister::nv_index;
  nv.register_index = 0x01c10102;
  return {pcr, rtmr, nv};
}

}  // namespace

TEST_CASE("a canonical event log in TLV survives encoding and parsing") {
  const Bytes bytes = encode_cel_tlv(sample());
  const auto log = parse_cel(bytes);
  REQUIRE(log);
  REQUIRE(log->size() == 3);
  CHECK(encode_cel_tlv(*log) == bytes);
  CHECK(log->at(1).offset > 0);
  CHECK(log->at(1).content_name == "0x50");
  CHECK(cel_register_name(log->at(0).register_kind, log->at(0).register_index) == "PCR 14");
  CHECK(cel_register_name(log->at(1).register_kind, log->at(1).register_index) == "RTMR3");
  CHECK(cel_register_name(log->at(2).register_kind, log->at(2).register_index) == "NV 0x01c10102");
}

TEST_CASE("a canonical event log in TLV that is cut within a record is refused") {
  const auto records = sample();
  const Bytes bytes = encode_cel_tlv({records[0]});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK(parse_cel(ByteView(bytes).first(size)).error().code == Errc::truncated);
  }
}

TEST_CASE("a canonical event log in JSON parses") {
  const auto log = parse_cel(as_bytes(R"([
    {"recnum":3,"pcr":7,"digests":[{"hashAlg":"sha256","digest":"0000000000000000000000000000000000000000000000000000000000000001"},
      {"hashAlg":"sha3_256","digest":"00"}],"content_type":"pcclient_std","content":{"event_type":4}},
    {"nv_index":29425922,"digests":[]}])"));
  REQUIRE(log);
  REQUIRE(log->size() == 2);
  CHECK(log->at(0).record_number == 3);
  CHECK(log->at(0).register_index == 7);
  REQUIRE(log->at(0).digests.size() == 1);
  CHECK(log->at(0).digests[0].value.back() == std::byte{1});
  CHECK(log->at(0).content_name == "pcclient_std");
  CHECK(log->at(0).content_json == R"({"event_type":4})");
  CHECK(log->at(1).register_kind == CelRegister::nv_index);
  CHECK_FALSE(log->at(1).record_number);
}

TEST_CASE("canonical event logs that break the format are refused") {
  struct Case {
    const char* name;
    std::string text;
    Errc code;
  };
  const auto tlv = [](std::initializer_list<std::uint8_t> bytes) {
    std::string out;
    for (const std::uint8_t byte : bytes) out += static_cast<char>(byte);
    return out;
  };
  const Case cases[] = {
      {"no record number first", tlv({1, 0, 0, 0, 1, 4}), Errc::malformed},
      {"record number of nine bytes", tlv({0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0}), Errc::malformed},
      {"PCR 24", tlv({0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 24}), Errc::out_of_range},
      {"digests missing", tlv({0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 2, 5, 0, 0, 0, 0}), Errc::malformed},
      {"short digest", tlv({0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 2, 3, 0, 0, 0, 6, 11, 0, 0, 0, 1, 0}), Errc::out_of_range},
      {"length beyond the end", tlv({0, 0xff, 0xff, 0xff, 0xff, 0}), Errc::truncated},
      {"empty array", "[]", Errc::truncated},
      {"no object", "[1]", Errc::malformed},
      {"no register", R"([{"digests":[]}])", Errc::not_found},
      {"PCR 24 in JSON", R"([{"pcr":24,"digests":[]}])", Errc::out_of_range},
      {"bad hex", R"([{"pcr":1,"digests":[{"hashAlg":"sha1","digest":"xy"}]}])", Errc::malformed},
      {"two of one algorithm",
       R"([{"pcr":1,"digests":[{"hashAlg":"sha1","digest":"0000000000000000000000000000000000000000"},
         {"hashAlg":"sha1","digest":"0000000000000000000000000000000000000000"}]}])",
       Errc::malformed},
  };
  for (const auto& entry : cases) {
    CAPTURE(entry.name);
    const auto log = parse_cel(as_bytes(entry.text));
    REQUIRE_FALSE(log);
    CHECK(log.error().code == entry.code);
  }
}
