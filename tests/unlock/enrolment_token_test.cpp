#include "unlock/enrolment_token.h"

#include "base/file.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

namespace attestd::unlock {
namespace {

using attestd::test::TemporaryFolder;

using namespace std::string_literals;

const std::string token(64, 'a');

// A structure of SMBIOS: type, length with the header, strings.
std::string structure(char type, const std::string& strings, std::size_t length = 5) {
  std::string out{type, static_cast<char>(length), '\1', '\0'};
  out.resize(length, '\1');
  return out + strings;
}
std::optional<std::string> found_in(const std::string& table) { return find_oem_string(as_bytes(table), "key="); }

}  // namespace

TEST_CASE("an enrolment token is hexadecimal digits and nothing else") {
  CHECK(parse_enrolment_token(token).value() == token);
  CHECK(parse_enrolment_token(token + "\n").value() == token);
  for (const std::string& other : {""s, "aa"s, token + "a", token + " ", " " + token, token + "\n\n", "0x" + token,
                                   std::string(130, 'a'), std::string(64, 'g'), token + "\0"s}) {
    const auto none = parse_enrolment_token(other);
    REQUIRE_FALSE(none);
    CHECK(none.error().text().find("aaaa") == std::string::npos);
  }
}

TEST_CASE("an OEM string is found in its structure and in no other") {
  CHECK(found_in(structure(11, "other\0key=7\0\0"s)) == "7");
  CHECK(found_in(structure(1, "key=1\0\0"s) + structure(2, "\0\0"s) + structure(11, "key=2\0\0"s)) == "2");
  CHECK(found_in(structure(11, "key=\0key=2\0\0"s)) == "");
  CHECK_FALSE(found_in(structure(1, "key=1\0\0"s)));
  CHECK_FALSE(found_in(structure(127, "\0\0"s) + structure(11, "key=2\0\0"s)));
}

TEST_CASE("a table that breaks its format has no strings") {
  for (const std::string& table :
       {""s, "\x0b"s, structure(11, ""), structure(11, "key=7"s), structure(11, "key=7\0"s), structure(11, "\0"s),
        std::string("\x0b\3\1\0key=7\0\0", 11), std::string("\x0b\xff\1\0\1key=7\0\0", 12)}) {
    CHECK_FALSE(found_in(table));
  }
}

TEST_CASE("the command line's token comes before the machine's, and fw_cfg's before SMBIOS") {
  const TemporaryFolder folder;
  const TokenPlaces places{folder.path() + "/fw", folder.path() + "/dmi"};
  CHECK_FALSE(find_enrolment_token("", places).value());
  REQUIRE(replace_file(places.smbios,
                       as_bytes(structure(11, "attestd.enrolment-token=" + std::string(64, 'd') + "\0\0"s)), 0600));
  CHECK(find_enrolment_token("", places).value() == std::string(64, 'd'));
  REQUIRE(replace_file(places.fw_cfg, as_bytes(std::string(64, 'f')), 0600));
  CHECK(find_enrolment_token("", places).value() == std::string(64, 'f'));
  CHECK(find_enrolment_token(token, places).value() == token);
  REQUIRE(replace_file(places.fw_cfg, as_bytes("no token"), 0600));
  CHECK(find_enrolment_token("", places).error().code == Errc::malformed);
}

}  // namespace attestd::unlock
