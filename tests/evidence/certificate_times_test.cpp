#include "evidence/certificate_times.h"

#include "base/encoding.h"
#include "tests/catch.h"
#include "tests/minimal_certificate.h"

using namespace attestd;
using namespace attestd::test;

TEST_CASE("the end of a certificate's validity is read as RFC 5280 writes it") {
  struct Case {
    std::uint8_t tag;
    const char* text;
    const char* time;  // empty: refused
  };
  for (const Case& c : std::vector<Case>{
           {0x17, "290924005528Z", "2029-09-24T00:55:28Z"},
           {0x17, "491231235959Z", "2049-12-31T23:59:59Z"},
           {0x17, "500101000000Z", "1950-01-01T00:00:00Z"},
           {0x18, "20501231235959Z", "2050-12-31T23:59:59Z"},
           {0x18, "99991231235959Z", "9999-12-31T23:59:59Z"},
           {0x17, "20501231235959Z", ""},
           {0x18, "290924005528Z", ""},
           {0x17, "2909240055Z", ""},
           {0x17, "290924005528+", ""},
           {0x17, "291324005528Z", ""},
           {0x17, "29O924005528Z", ""},
           {0x17, "", ""},
           {0x0c, "290924005528Z", ""},
       }) {
    INFO(c.text);
    const auto time = certificate_not_after(minimal_certificate(c.tag, c.text));
    CHECK((time ? to_rfc3339(*time) : "") == c.time);
  }
  CHECK(certificate_not_after(minimal_certificate(0x17, "290924005528Z", false)).has_value());
}

TEST_CASE("a certificate that ends early, or has something else in a field's place, has no time") {
  const Bytes good = minimal_certificate(0x17, "290924005528Z");
  for (std::size_t size = 0; size < good.size(); ++size) {
    INFO(size);
    CHECK_FALSE(certificate_not_after(ByteView(good).first(size)).has_value());
  }
  CHECK_FALSE(certificate_not_after(der_sequence({der_sequence({})})).has_value());
  CHECK_FALSE(certificate_not_after(Bytes(64)).has_value());
}
