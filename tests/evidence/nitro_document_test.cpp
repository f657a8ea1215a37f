#include "evidence/nitro_document.h"

#include <functional>

#include "base/encoding.h"
#include "evidence/cbor.h"
#include "evidence/cose_sign1.h"
#include "evidence/nsm_message.h"
#include "tests/catch.h"
#include "tests/vectors.h"

using namespace attestd;

namespace {

NitroDocument sample() {
  NitroDocument out;
  out.module_id = "i-0123456789abcdef0-tpm0000000000000000";
  out.timestamp_ms = 1764000000123;
  for (unsigned i = 0; i < 24; ++i) out.pcrs[i] = Bytes(48, static_cast<std::byte>(i));
  out.certificate = to_bytes("leaf");
  out.cabundle = {to_bytes("root"), to_bytes("issuer")};
  out.nonce = to_bytes("nonce");
  return out;
}

}  // namespace

TEST_CASE("an attestation document survives encoding and parsing, of either kind") {
  for (const NitroKind kind : {NitroKind::nitrotpm, NitroKind::enclave}) {
    NitroDocument document = sample();
    document.kind = kind;
    document.user_data = Bytes(1024, std::byte{7});
    const auto parsed = parse_nitro_document(encode_nitro_document(document));
    REQUIRE(parsed);
    CHECK(parsed->kind == kind);
    CHECK(parsed->module_id == document.module_id);
    CHECK(parsed->timestamp_ms == document.timestamp_ms);
    CHECK(parsed->digest == HashAlgorithm::sha384);
    CHECK(parsed->pcrs == document.pcrs);
    CHECK(parsed->certificate == document.certificate);
    CHECK(parsed->cabundle == document.cabundle);
    CHECK(parsed->nonce == document.nonce);
    CHECK(parsed->user_data == document.user_data);
    CHECK_FALSE(parsed->public_key);
  }
}

TEST_CASE("a document with a member that is absent or wrong is refused") {
  const auto with = [](std::string_view name, const std::function<void(CborWriter&)>& value) {
    // The smallest good document, with `name` replaced; left out when there is no value.
    const std::pair<std::string_view, std::function<void(CborWriter&)>> members[] = {
        {"module_id", [](CborWriter& to) { to.text("i-0"); }},
        {"timestamp", [](CborWriter& to) { to.unsigned_integer(1); }},
        {"digest", [](CborWriter& to) { to.text("SHA384"); }},
        {"nitrotpm_pcrs", [](CborWriter& to) { to.map(1).unsigned_integer(0).bytes(Bytes(48)); }},
        {"certificate", [](CborWriter& to) { to.bytes(Bytes(1)); }},
        {"cabundle", [](CborWriter& to) { to.array(1).bytes(Bytes(1)); }},
    };
    bool known = false;
    for (const auto& member : members) known = known || member.first == name;
    CborWriter out;
    out.map(std::size(members) + (known ? 0 : 1) - (known && !value ? 1 : 0));
    for (const auto& member : members) {
      if (member.first == name && !value) continue;
      out.text(member.first);
      (member.first == name ? value : member.second)(out);
    }
    if (!known) {
      out.text(name);
      value(out);
    }
    return out.take();
  };
  REQUIRE(parse_nitro_document(with("anything", [](CborWriter& to) { to.null(); })));
  REQUIRE(parse_nitro_document(with("nonce", [](CborWriter& to) { to.null(); })));
  for (const char* const name : {"module_id", "timestamp", "digest", "nitrotpm_pcrs", "certificate", "cabundle"}) {
    INFO("without " << name);
    CHECK_FALSE(parse_nitro_document(with(name, nullptr)));
    INFO("null " << name);
    CHECK_FALSE(parse_nitro_document(with(name, [](CborWriter& to) { to.null(); })));
  }
  const struct {
    const char* name;
    std::function<void(CborWriter&)> value;
    Errc code;
  } cases[] = {
      {"pcrs", [](CborWriter& to) { to.map(1).unsigned_integer(0).bytes(Bytes(48)); }, Errc::malformed},
      {"module_id", [](CborWriter& to) { to.text(""); }, Errc::malformed},
      {"module_id", [](CborWriter& to) { to.text(std::string(257, 'a')); }, Errc::malformed},
      {"timestamp", [](CborWriter& to) { to.unsigned_integer(0); }, Errc::malformed},
      {"timestamp", [](CborWriter& to) { to.unsigned_integer(1ULL << 63U); }, Errc::malformed},
      {"digest", [](CborWriter& to) { to.text("SHA1"); }, Errc::unsupported},
      {"digest", [](CborWriter& to) { to.text("SHA256"); }, Errc::malformed},  // with values of 48 bytes
      {"nitrotpm_pcrs", [](CborWriter& to) { to.map(0); }, Errc::malformed},
      {"nitrotpm_pcrs", [](CborWriter& to) { to.map(1).unsigned_integer(32).bytes(Bytes(48)); }, Errc::malformed},
      {"nitrotpm_pcrs", [](CborWriter& to) { to.map(1).integer(-1).bytes(Bytes(48)); }, Errc::malformed},
      {"nitrotpm_pcrs", [](CborWriter& to) { to.map(1).unsigned_integer(0).bytes(Bytes(47)); }, Errc::malformed},
      {"certificate", [](CborWriter& to) { to.bytes({}); }, Errc::malformed},
      {"certificate", [](CborWriter& to) { to.bytes(Bytes(4097)); }, Errc::out_of_range},
      {"cabundle", [](CborWriter& to) { to.array(0); }, Errc::malformed},
      {"nonce", [](CborWriter& to) { to.text("text"); }, Errc::malformed},
      {"nonce", [](CborWriter& to) { to.bytes(Bytes(1025)); }, Errc::out_of_range},
  };
  for (const auto& one : cases) {
    INFO(one.name);
    const auto parsed = parse_nitro_document(with(one.name, one.value));
    REQUIRE_FALSE(parsed);
    CHECK(to_string(parsed.error().code) == to_string(one.code));
  }
}

TEST_CASE("what a COSE_Sign1 must have is demanded") {
  CoseSign1 message;
  message.algorithm = cose_es384;
  message.protected_header = cose_protected_header(cose_es384);
  CHECK(to_hex(message.protected_header) == "a1013822");
  message.payload = to_bytes("payload");
  message.signature = Bytes(96);
  const Bytes encoded = encode_cose_sign1(message);
  const auto parsed = parse_cose_sign1(encoded);
  REQUIRE(parsed);
  CHECK(parsed->algorithm == cose_es384);
  CHECK(parsed->payload == message.payload);
  CHECK(parsed->signature == message.signature);
  // RFC 9052 section 4.4: context, protected header, external data, payload.
  CHECK(to_hex(parsed->to_be_signed()) == "846a5369676e61747572653144a10138224047" + to_hex(message.payload));

  Bytes tagged = to_bytes(*from_hex("d2"));
  tagged.insert(tagged.end(), encoded.begin(), encoded.end());
  CHECK(parse_cose_sign1(tagged));
  tagged[0] = std::byte{0xd1};  // COSE_Mac0
  CHECK_FALSE(parse_cose_sign1(tagged));

  const char* const bad[] = {
      "8344a1013822a041ff",                  // three members
      "8440a041ff41ff",                      // no protected header
      "8443a10121a041ff",                    // truncated
      "8441a0a041ff41ff",                    // no algorithm
      "8444a1013822a0f641ff",                // a detached payload
      "8444a10138228041ff41ff",              // the unprotected header is an array
      "844ba2013822028163666f6fa041ff41ff",  // a critical header
      "a0",
  };
  for (const char* const one : bad) {
    INFO(one);
    CHECK_FALSE(parse_cose_sign1(*from_hex(one)));
  }
}

TEST_CASE("requests and answers of the security module survive encoding, whatever follows them") {
  NsmAttestationRequest request;
  request.nonce = Bytes(64, std::byte{1});
  Bytes buffer = encode_nsm_request(request);
  buffer.resize(8192, std::byte{0xff});
  const auto parsed = parse_nsm_request(buffer);
  REQUIRE(parsed);
  CHECK(parsed->nonce == request.nonce);
  CHECK_FALSE(parsed->user_data);
  CHECK_FALSE(parsed->public_key);

  buffer = encode_nsm_response(to_bytes("document"));
  buffer.resize(8192, std::byte{0xff});
  const auto document = parse_nsm_response(buffer);
  REQUIRE(document);
  CHECK(as_text(*document) == "document");

  const auto refused = parse_nsm_response(encode_nsm_error("InputTooLarge"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::refused);
  CHECK(refused.error().message.find("InputTooLarge") != std::string::npos);
  const auto hostile = parse_nsm_response(encode_nsm_error("\x1b[2J"));
  REQUIRE_FALSE(hostile);
  CHECK(hostile.error().message.find('\x1b') == std::string::npos);

  CHECK_FALSE(parse_nsm_response(encode_nsm_request(request)));  // nobody answered: the request is still there
  CHECK_FALSE(parse_nsm_response(Bytes(8192, std::byte{0xff})));
}

TEST_CASE("the genuine document is an enclave's and is read whole") {
  const auto bytes = test::vector_file("nitro/document.bin");
  if (!bytes) return;
  const auto message = parse_cose_sign1(*bytes);
  REQUIRE(message);
  CHECK(message->algorithm == cose_es384);
  CHECK(message->signature.size() == 96);
  const auto document = parse_nitro_document(message->payload);
  REQUIRE(document);
  CHECK(document->kind == NitroKind::enclave);
  CHECK(document->module_id == "i-078824548edcf6519-enc01784234ec227b58");
  CHECK(document->timestamp_ms == 1616018515685);
  CHECK(document->pcrs.size() == 16);
  CHECK(document->cabundle.size() == 4);
  CHECK_FALSE(document->nonce);
  // The encoder of tests and simulator makes the same form, so it gives the same bytes.
  CHECK(encode_nitro_document(*document) == message->payload);
}
