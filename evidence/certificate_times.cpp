#include "evidence/certificate_times.h"

#include "base/encoding.h"
#include "evidence/der.h"

namespace attestd {
namespace {

// ITU-T X.680 section 8.6, and context-specific [0] of RFC 5280 section 4.1.
constexpr std::uint8_t integer_tag = 0x02;
constexpr std::uint8_t utc_time_tag = 0x17;
constexpr std::uint8_t generalized_time_tag = 0x18;
constexpr std::uint8_t sequence_tag = 0x30;
constexpr std::uint8_t version_tag = 0xa0;

Result<ByteView> read_tagged(Reader& reader, std::uint8_t tag, const char* what) {
  ATTESTD_TRY(const DerValue value, read_der(reader));
  if (value.tag != tag) return fail(Errc::malformed, std::string("a certificate has no ") + what + " in its place");
  return value.contents;
}

// "YYMMDDHHMMSSZ", or "YYYYMMDDHHMMSSZ"; RFC 5280 allows no other form.
Result<std::int64_t> unix_time(const DerValue& value) {
  constexpr std::size_t digits = 14;
  std::string text(as_text(value.contents));
  if (value.tag == utc_time_tag) {
    text.insert(0, !text.empty() && text.front() >= '5' ? "19" : "20");
  } else if (value.tag != generalized_time_tag) {
    return fail(Errc::malformed, "the end of a certificate's validity is no time");
  }
  if (text.size() != digits + 1 || text.back() != 'Z') {
    return fail(Errc::malformed, "the end of a certificate's validity is not as RFC 5280 writes it");
  }
  for (const auto& [at, separator] :
       {std::pair<std::size_t, char>{4, '-'}, {7, '-'}, {10, 'T'}, {13, ':'}, {16, ':'}}) {
    text.insert(at, 1, separator);
  }
  return from_rfc3339(text);
}

}  // namespace

Result<std::int64_t> certificate_not_after(ByteView der) {
  Reader outer(der);
  ATTESTD_TRY(const ByteView certificate, read_tagged(outer, sequence_tag, "SEQUENCE"));
  Reader signed_part(certificate);
  ATTESTD_TRY(const ByteView contents, read_tagged(signed_part, sequence_tag, "TBSCertificate"));
  Reader fields(contents);
  ATTESTD_TRY(DerValue first, read_der(fields));
  if (first.tag == version_tag) {
    ATTESTD_TRY(first, read_der(fields));
  }
  if (first.tag != integer_tag) return fail(Errc::malformed, "a certificate has no serial number in its place");
  for (const char* const what : {"signature algorithm", "issuer"})
    ATTESTD_CHECK(read_tagged(fields, sequence_tag, what));
  ATTESTD_TRY(const ByteView validity, read_tagged(fields, sequence_tag, "validity"));
  Reader times(validity);
  ATTESTD_CHECK(read_der(times));
  ATTESTD_TRY(const DerValue not_after, read_der(times));
  return unix_time(not_after);
}

}  // namespace attestd
