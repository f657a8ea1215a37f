#include "evidence/imds_response.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "evidence/json_internal.h"

namespace attestd {
namespace {

namespace json = boost::json;

constexpr std::size_t tcb_digits = 16;

Result<json::value> parse_limited(std::string_view text) {
  if (text.size() > imds_response_max_size) {
    return fail(Errc::out_of_range, "the metadata service's answer has " + std::to_string(text.size()) +
                                        " bytes, the limit is " + std::to_string(imds_response_max_size));
  }
  auto document = parse_json(text);
  if (!document) return std::unexpected(std::move(document).error().in("the metadata service's answer"));
  return document;
}

}  // namespace

Result<ImdsAmdCertification> parse_imds_amd_certification(std::string_view text) {
  ATTESTD_TRY(const json::value document, parse_limited(text));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(document, "the metadata service's answer"));
  ImdsAmdCertification out;
  ATTESTD_TRY(out.vcek, members.string("vcekCert"));
  ATTESTD_TRY(out.certificate_chain, members.string("certificateChain"));
  ATTESTD_TRY(out.tcbm, members.optional_string("tcbm"));
  if (!out.tcbm.empty() && (out.tcbm.size() != tcb_digits || !from_hex(out.tcbm))) {
    return fail(Errc::malformed, members.place("tcbm") + " is not a TCB of 16 hexadecimal digits");
  }
  return out;
}

Result<Bytes> parse_imds_td_quote(std::string_view text) {
  ATTESTD_TRY(const json::value document, parse_limited(text));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(document, "the metadata service's answer"));
  ATTESTD_TRY(std::string encoded, members.string("quote"));
  // Some hosts pad.
  for (unsigned i = 0; i < 2 && encoded.ends_with('='); ++i) encoded.pop_back();
  auto quote = from_base64url(encoded);
  if (!quote) return std::unexpected(std::move(quote).error().in(members.place("quote")));
  if (quote->empty()) return fail(Errc::malformed, members.place("quote") + " is empty");
  return quote;
}

Result<Bytes> parse_imds_td_quote_request(std::string_view text) {
  ATTESTD_TRY(const json::value document, parse_limited(text));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(document, "the request for a TD quote"));
  return members.bytes("report", 1, imds_response_max_size);
}

std::string encode_imds_td_quote_request(ByteView td_report) {
  return json::serialize(json::object{{"report", to_base64url(td_report)}});
}

}  // namespace attestd
