#include "evidence/cose_sign1.h"

#include <limits>

#include "evidence/cbor.h"

namespace attestd {
namespace {

using Kind = CborValue::Kind;

constexpr std::uint64_t sign1_tag = 18;      // RFC 9052 section 2
constexpr std::int64_t label_algorithm = 1;  // RFC 9052 section 3.1
constexpr std::int64_t label_critical = 2;

Result<std::int64_t> algorithm_of(ByteView protected_header) {
  auto header = parse_cbor(protected_header);
  if (!header) return std::unexpected(std::move(header).error().in("COSE protected header"));
  if (header->kind != Kind::map) return fail(Errc::malformed, "COSE protected header is not a map");
  if (header->find(label_critical) != nullptr) {
    return fail(Errc::unsupported, "COSE protected header has critical members, and none is known here");
  }
  const CborValue* const algorithm = header->find(label_algorithm);
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (algorithm == nullptr || algorithm->kind > Kind::negative_integer || algorithm->number > largest) {
    return fail(Errc::malformed, "COSE protected header names no algorithm by its number");
  }
  const auto number = static_cast<std::int64_t>(algorithm->number);
  return algorithm->kind == Kind::negative_integer ? -1 - number : number;
}

}  // namespace

Bytes CoseSign1::to_be_signed() const {
  return CborWriter().array(4).text("Signature1").bytes(protected_header).bytes({}).bytes(payload).take();
}

Result<CoseSign1> parse_cose_sign1(ByteView bytes) {
  ATTESTD_TRY(const CborValue message, parse_cbor(bytes));
  if (message.kind != Kind::array || message.items.size() != 4) {
    return fail(Errc::malformed, "COSE_Sign1 is an array of four: protected, unprotected, payload, signature");
  }
  if (!message.tags.empty() && (message.tags.size() != 1 || message.tags.front() != sign1_tag)) {
    return fail(Errc::unsupported, "tagged as something else than COSE_Sign1, which is tag 18");
  }
  const CborValue& header = message.items[0];
  const CborValue& payload = message.items[2];
  const CborValue& signature = message.items[3];
  if (message.items[1].kind != Kind::map) return fail(Errc::malformed, "COSE unprotected header is not a map");
  if (message.items[1].find(label_critical) != nullptr) {
    return fail(Errc::malformed, "COSE unprotected header names critical members, which only a protected one may");
  }
  if (header.kind != Kind::bytes || payload.kind != Kind::bytes || signature.kind != Kind::bytes) {
    return fail(Errc::malformed, "COSE_Sign1 has a protected header, payload or signature that is no byte string");
  }
  CoseSign1 out;
  ATTESTD_TRY(out.algorithm, algorithm_of(header.string));
  out.protected_header = to_bytes(header.string);
  out.payload = to_bytes(payload.string);
  out.signature = to_bytes(signature.string);
  return out;
}

Bytes cose_protected_header(std::int64_t algorithm) {
  return CborWriter().map(1).integer(label_algorithm).integer(algorithm).take();
}

Bytes encode_cose_sign1(const CoseSign1& message) {
  return CborWriter()
      .array(4)
      .bytes(message.protected_header)
      .map(0)
      .bytes(message.payload)
      .bytes(message.signature)
      .take();
}

}  // namespace attestd
