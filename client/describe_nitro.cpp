#include <boost/json/value.hpp>
#include <string>

#include "base/encoding.h"
#include "client/describe.h"
#include "evidence/cose_sign1.h"
#include "evidence/json_strict.h"
#include "evidence/nitro_document.h"

namespace attestd {
namespace {

namespace json = boost::json;

constexpr std::int64_t milliseconds = 1000;

Result<json::value> certificate(ByteView der) {
  ATTESTD_TRY(const json::value described, describe_certificates(der));
  return described.at("certificates").at(0);
}

}  // namespace

Result<json::value> describe_nitro_document(ByteView bytes) {
  ATTESTD_TRY(const CoseSign1 message, parse_cose_sign1(bytes));
  ATTESTD_TRY(const NitroDocument document, parse_nitro_document(message.payload));
  json::object registers;
  for (const auto& [index, value] : document.pcrs) registers[std::to_string(index)] = to_hex(value);
  json::object out{{"type", "nitro-document"},
                   {"kind", nitro_kind_name(document.kind)},
                   {"module_id", to_valid_utf8(document.module_id)},
                   {"timestamp", to_rfc3339(static_cast<std::int64_t>(document.timestamp_ms) / milliseconds)},
                   {"timestamp_ms", document.timestamp_ms},
                   {"digest", hash_name(document.digest)},
                   {document.kind == NitroKind::nitrotpm ? "nitrotpm_pcrs" : "pcrs", std::move(registers)}};
  if (document.public_key) out["public_key"] = to_hex(*document.public_key);
  if (document.user_data) out["user_data"] = to_hex(*document.user_data);
  if (document.nonce) out["nonce"] = to_hex(*document.nonce);
  ATTESTD_TRY(out["certificate"], certificate(document.certificate));
  json::array bundle;
  for (const Bytes& der : document.cabundle) {
    ATTESTD_TRY(json::value one, certificate(der));
    bundle.push_back(std::move(one));
  }
  out["cabundle"] = std::move(bundle);
  out["algorithm"] = message.algorithm;
  out["signature"] = to_hex(message.signature);
  return out;
}

}  // namespace attestd
