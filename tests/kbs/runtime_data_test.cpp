// Canonical JSON, and what runtime data bind.
#include "kbs/runtime_data.h"

#include "base/encoding.h"
#include "tests/catch.h"

namespace attestd::kbs {
namespace {

FixedBytes<nonce_size> some_nonce() {
  FixedBytes<nonce_size> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(0xf0 + i);
  return out;
}

Attestation some_attestation() {
  Attestation out;
  out.key.algorithm = "ECDH-ES+A256KW";
  out.key.curve = "P-256";
  out.key.x = from_hex("0102").value();
  out.key.y = from_hex("0304").value();
  return out;
}

std::string hash(std::string_view text, HashAlgorithm by = HashAlgorithm::sha384) {
  return to_hex(digest(by, {as_bytes(text)}));
}

}  // namespace

TEST_CASE("canonical JSON is RFC 8785's") {
  struct Case {
    const char* from;
    const char* to;
  };
  for (const Case& one : {
           Case{R"( { "b" : 1 , "a" : [ true , null , false ] } )", R"({"a":[true,null,false],"b":1})"},
           // Section 3.2.3: the order of UTF-16 code units, in which U+1F600 is before U+FB33.
           {R"({"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7})",
            "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,\"\xf0\x9f\x98\x80\":5,"
            "\"\xef\xac\xb3\":3}"},
           // U+1FFFD, whose lower half would be behind U+FB33.
           {R"({"\ufb33":1,"\ud83f\udffd":2})", "{\"\xf0\x9f\xbf\xbd\":2,\"\xef\xac\xb3\":1}"},
           // Section 3.2.2.2.
           {R"("\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/\b\f\u007f")",
            "\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\\b\\f\x7f\""},
           {R"([0,-0,-1,9007199254740991,-9007199254740991])", R"([0,0,-1,9007199254740991,-9007199254740991])"},
           {R"({"a":{"c":{},"b":[]},"":""})", R"({"":"","a":{"b":[],"c":{}}})"},
       }) {
    CAPTURE(one.from);
    CHECK(canonical_json(one.from) == one.to);
  }
}

TEST_CASE("numbers that have no one canonical form here are refused") {
  for (const char* const text :
       {"1.5", "1e3", "9007199254740992", "-9007199254740992", "18446744073709551615", "[1.0]", R"({"a":0.1})"}) {
    CAPTURE(text);
    CHECK(canonical_json(text).error().code == Errc::out_of_range);
  }
  CHECK(canonical_json(R"({"a":1,"a":2})").error().code == Errc::malformed);
  CHECK(canonical_json("\"\xff\"").error().code == Errc::malformed);
}

TEST_CASE("the digest of structured runtime data is the one that Trustee's own tests expect") {
  const auto canonical = canonical_json(R"({"b": 1, "a": "test", "c": {"d": "e"}})");
  REQUIRE(canonical);
  CHECK(hash(*canonical) ==
        "e71ce8e70d814ba6639c3612ebee0ff1f76f650f8dbb5e47157e0f3f525cd22c4597480a186427c813ca941da78870c3");
}

TEST_CASE("runtime data hash as another implementation computes it, escapes included") {
  Attestation attestation = some_attestation();
  CHECK(hash(encode_runtime_data(ProtocolVersion::v0_2_0, some_nonce(), attestation)) ==
        "16cbe18ea1003bb7a991c4c471a758e8a979f9fe20edd185fd7c1b8e637d4722b6efc22143e6e0691df2ebee279ff760");
  CHECK(encode_runtime_data(ProtocolVersion::v0_1_1, some_nonce(), attestation) ==
        encode_runtime_data(ProtocolVersion::v0_2_0, some_nonce(), attestation));
  attestation.additional_evidence =
      "{\"nvidia\":{\"report\":\"a\\b\"c\n\t\x01\x1f\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80/\"}}";
  const std::string text = encode_runtime_data(ProtocolVersion::v0_4_0, some_nonce(), attestation);
  CHECK(hash(text) ==
        "e8f869358329a3ce31adfdc12b18b73b139e5b90c7024d7cbd01b5ed6466bb7796ffb1c0af2a43cbb540fa9b1e1c7842");
  CHECK(hash(text, HashAlgorithm::sha256) == "7f55bbda498d3c053d730f974d8fd61bf9535cd59cb358e86962aa5796e0986f");
  CHECK(hash(text, HashAlgorithm::sha512) ==
        "c86478d58903ad97ba91c8815d2d83fc04593546390c8826b3a5c98c35601c2dd8f50a88249b2a5ccbaf6f90ce503b9d6669d528e5b171"
        "f9228f65ed73408d0e");
  CHECK(encode_runtime_data(ProtocolVersion::v0_3_0, some_nonce(), attestation) == text);
  CHECK(canonical_json(text) == text);

  attestation.key = {TeePublicKey::Kind::rsa, "RSA-OAEP-256"};
  attestation.key.modulus = from_hex("aabbcc").value();
  attestation.key.exponent = from_hex("010001").value();
  attestation.additional_evidence.clear();
  CHECK(hash(encode_runtime_data(ProtocolVersion::v0_4_0, some_nonce(), attestation)) ==
        "a14f252389b84986ea2d0e1f201cadac804db905b9e312ddf44e40288b1e2f50801c1f27a83d12650b274dfe0e1712f7");
}

TEST_CASE("a key's canonical form is that of the JSON it came in") {
  const std::string text = R"({"kty":"EC","crv":"P-256","alg":"a\u0001\"","x":"AQI","y":"AwQ"})";
  const auto read = parse_attestation(R"({"tee-pubkey":)" + text + R"(,"tee-evidence":{}})", ProtocolVersion::v0_1_1);
  REQUIRE(read);
  CHECK(encode_tee_public_key(read->key) == canonical_json(text));
}

TEST_CASE("each TEE carries the digest in its own way") {
  const std::string text = encode_runtime_data(ProtocolVersion::v0_4_0, some_nonce(), some_attestation());
  const Bytes hashed = digest(HashAlgorithm::sha384, {as_bytes(text)});
  for (const Tee tee : {Tee::snp, Tee::tdx, Tee::az_snp_vtpm, Tee::az_tdx_vtpm, Tee::tpm}) {
    CAPTURE(tee_name(tee));
    const Binding binding = bind_runtime_data(tee, HashAlgorithm::sha384, text);
    CHECK(to_hex(binding.report_data) == to_hex(hashed) + std::string(32, '0'));
    const bool azure = tee == Tee::az_snp_vtpm || tee == Tee::az_tdx_vtpm;
    const Bytes cut(hashed.begin(), hashed.begin() + 32);
    CHECK(binding.qualifying_data == (azure ? hashed : tee == Tee::tpm ? cut : Bytes()));
  }
  const Binding full = bind_runtime_data(Tee::tdx, HashAlgorithm::sha512, text);
  CHECK(to_hex(full.report_data) == hash(text, HashAlgorithm::sha512));
  CHECK(to_hex(bind_runtime_data(Tee::snp, HashAlgorithm::sha256, text).report_data) ==
        hash(text, HashAlgorithm::sha256) + std::string(64, '0'));
}

}  // namespace attestd::kbs
