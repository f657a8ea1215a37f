// Messages of the KBS attestation protocol.
#include "kbs/message.h"

#include <algorithm>

#include "base/encoding.h"
#include "tests/catch.h"

namespace attestd::kbs {
namespace {

FixedBytes<nonce_size> some_nonce() {
  FixedBytes<nonce_size> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(0xf0 + i);
  return out;
}
const std::string nonce = "8PHy8/T19vf4+fr7/P3+/wABAgMEBQYHCAkKCwwNDg8=";
const std::string ec_key = R"({"kty":"EC","crv":"P-256","alg":"ECDH-ES+A256KW","x":"AQI","y":"AwQ"})";

std::string attestation_with(const std::string& key, const std::string& more = "") {
  return R"({"init-data":null,"runtime-data":{"nonce":")" + nonce + R"(","tee-pubkey":)" + key + more +
         R"(},"tee-evidence":{"primary_evidence":{"quote":"AA=="},"additional_evidence":""}})";
}

}  // namespace

TEST_CASE("a request says version, TEE and hash algorithms") {
  const auto request = parse_request(
      R"({"version":"0.4.0","tee":"snp","extra-params":{"supported-hash-algorithms":["sha256","SHA384","sm3","x"]}})");
  REQUIRE(request);
  CHECK(request->version == ProtocolVersion::v0_4_0);
  CHECK(request->tee == Tee::snp);
  REQUIRE(request->hash_algorithms);
  CHECK(*request->hash_algorithms == std::vector{HashAlgorithm::sha256, HashAlgorithm::sha384});
  CHECK(choose_hash(*request) == HashAlgorithm::sha384);

  const auto old = parse_request(R"({"version":"0.1.1","tee":"azsnpvtpm","extra-params":""})");
  REQUIRE(old);
  CHECK(old->tee == Tee::az_snp_vtpm);
  CHECK_FALSE(old->hash_algorithms);
  CHECK(choose_hash(*old) == HashAlgorithm::sha384);
}

TEST_CASE("a hash is chosen that the client has, or none") {
  Request request;
  request.hash_algorithms = {HashAlgorithm::sha256, HashAlgorithm::sha512, HashAlgorithm::sha384};
  CHECK(choose_hash(request) == HashAlgorithm::sha384);
  request.hash_algorithms = {HashAlgorithm::sha256, HashAlgorithm::sha512};
  CHECK(choose_hash(request) == HashAlgorithm::sha512);
  request.hash_algorithms = {HashAlgorithm::sha256};
  CHECK(choose_hash(request) == HashAlgorithm::sha256);
  request.hash_algorithms->clear();
  CHECK(choose_hash(request).error().code == Errc::unsupported);
}

TEST_CASE("a request that breaks its format is refused") {
  for (const char* const text :
       {"", "[]", "{", R"({"version":"0.4.0","tee":"snp"})", R"({"version":"0.4.0","extra-params":""})",
        R"({"tee":"snp","extra-params":""})", R"({"version":0.4,"tee":"snp","extra-params":""})",
        R"({"version":"0.4.0","tee":"SNP","extra-params":""})", R"({"version":"0.4.0","tee":7,"extra-params":""})",
        R"({"version":"0.4.0","tee":"snp","extra-params":"x"})",
        R"({"version":"0.4.0","tee":"snp","extra-params":null})",
        R"({"version":"0.4.0","tee":"snp","extra-params":{"supported-hash-algorithms":"sha384"}})",
        R"({"version":"0.4.0","tee":"snp","extra-params":{"supported-hash-algorithms":[1]}})",
        R"({"version":"0.4.0","version":"0.4.0","tee":"snp","extra-params":""})",
        R"({"version":"0.4.0","tee":"snp","tee":"tdx","extra-params":""})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_request(text));
  }
  CHECK(parse_request(std::string(message_max_size + 1, ' ')).error().code == Errc::out_of_range);
}

TEST_CASE("versions whose evidence binding is safe are served, others get the sentence that clients know") {
  for (const char* const name : {"0.1.1", "0.2.0", "0.3.0", "0.4.0"}) {
    CAPTURE(name);
    REQUIRE(version_from_name(name));
    CHECK(version_name(*version_from_name(name)) == name);
  }
  for (const char* const name : {"0.1.0", "0.0.0", "0.4.1", "0.5.0", "1.0.0", "0.4", "", "0.4.0 ", "v0.4.0"}) {
    CAPTURE(name);
    const auto version = version_from_name(name);
    REQUIRE_FALSE(version);
    CHECK(version.error().code == Errc::unsupported);
    CHECK(version.error().message.starts_with("KBS Client Protocol Version Mismatch: expect "));
  }
  // Nothing that a terminal or a journal acts on comes back.
  const auto hostile = version_from_name("0\x1b[31m\n" + std::string(100, 'z'));
  CHECK(hostile.error().message.ends_with("request is 0??31m?" + std::string(25, 'z')));
  CHECK(parse_request(R"({"version":"0.1.0","tee":"snp","extra-params":""})").error().code == Errc::unsupported);
}

TEST_CASE("only later versions have composite evidence and answers in JWE") {
  CHECK_FALSE(has_composite_evidence(ProtocolVersion::v0_2_0));
  CHECK(has_composite_evidence(ProtocolVersion::v0_3_0));
  CHECK_FALSE(answers_in_jwe(ProtocolVersion::v0_1_1));
  CHECK(answers_in_jwe(ProtocolVersion::v0_2_0));
}

TEST_CASE("every TEE has a name in both spellings") {
  struct Case {
    Tee tee;
    const char* name;
    const char* old_name;
  };
  for (const Case& one : {Case{Tee::az_snp_vtpm, "az-snp-vtpm", "azsnpvtpm"},
                          {Tee::az_tdx_vtpm, "az-tdx-vtpm", "aztdxvtpm"},
                          {Tee::cca, "cca", "cca"},
                          {Tee::csv, "csv", "csv"},
                          {Tee::hygon_dcu, "hygon-dcu", "hygondcu"},
                          {Tee::nvidia, "nvidia", "nvidia"},
                          {Tee::nvidia_dpu, "nvidia-dpu", "nvidiadpu"},
                          {Tee::sample, "sample", "sample"},
                          {Tee::sample_device, "sample-device", "sampledevice"},
                          {Tee::se, "se", "se"},
                          {Tee::sev, "sev", "sev"},
                          {Tee::sgx, "sgx", "sgx"},
                          {Tee::snp, "snp", "snp"},
                          {Tee::tdx, "tdx", "tdx"},
                          {Tee::tpm, "tpm", "tpm"}}) {
    CAPTURE(one.name);
    CHECK(tee_from_name(one.name) == one.tee);
    CHECK(tee_from_name(one.old_name) == one.tee);
    CHECK(tee_name(one.tee) == one.name);
    CHECK(tee_name(one.tee, ProtocolVersion::v0_2_0) == one.old_name);
  }
  CHECK_FALSE(tee_from_name(""));
  CHECK_FALSE(tee_from_name("az_snp_vtpm"));
}

TEST_CASE("a request encodes to what parses to it") {
  Request request{ProtocolVersion::v0_2_0, Tee::az_tdx_vtpm, std::vector{HashAlgorithm::sha384}};
  const std::string text = encode_request(request);
  CHECK(text == R"({"version":"0.2.0","tee":"aztdxvtpm","extra-params":{"supported-hash-algorithms":["sha384"]}})");
  CHECK(parse_request(text)->tee == Tee::az_tdx_vtpm);
  request = {};
  CHECK(encode_request(request) == R"({"version":"0.4.0","tee":"snp","extra-params":""})");
}

TEST_CASE("a challenge is a nonce of 32 bytes and perhaps a hash") {
  Challenge challenge;
  challenge.nonce = some_nonce();
  CHECK(encode_challenge(challenge) == R"({"nonce":")" + nonce + R"(","extra-params":""})");
  CHECK(parse_challenge(encode_challenge(challenge))->nonce == some_nonce());
  challenge.hash_algorithm = HashAlgorithm::sha512;
  CHECK(encode_challenge(challenge) ==
        R"({"nonce":")" + nonce + R"(","extra-params":{"selected-hash-algorithm":"sha512"}})");
  CHECK(parse_challenge(encode_challenge(challenge))->hash_algorithm == HashAlgorithm::sha512);
  for (const std::string& text :
       {std::string(R"({"nonce":"AAAA","extra-params":""})"), std::string(R"({"nonce":"","extra-params":""})"),
        R"({"nonce":")" + nonce + R"("})", R"({"nonce":")" + nonce.substr(0, 43) + R"(","extra-params":""})",
        R"({"nonce":")" + nonce + R"(","extra-params":{"selected-hash-algorithm":"md5"}})",
        R"({"nonce":")" + nonce.substr(0, 42) + R"(9=","extra-params":""})",
        R"({"nonce":")" + nonce.substr(0, 42) + R"(==","extra-params":""})",
        R"({"nonce":")" + nonce.substr(0, 43) + R"(A","extra-params":""})",
        R"({"nonce":" )" + nonce + R"(","extra-params":""})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_challenge(text));
  }
}

TEST_CASE("an attestation of 0.4.0 carries nonce, key and both parts of the evidence") {
  const std::string text =
      R"({"init-data":{"format":"toml","body":"a = \"b\"\n"},"runtime-data":{"nonce":")" + nonce +
      R"(","tee-pubkey":{"kty":"RSA","alg":"RSA-OAEP-256","n":"qrvM","e":"AQAB"}},)" +
      R"("tee-evidence":{"primary_evidence":{"a":[1,2]},"additional_evidence":"{\"nvidia\":{}}"}})";
  const auto read = parse_attestation(text, ProtocolVersion::v0_4_0);
  REQUIRE(read);
  REQUIRE(read->init_data);
  CHECK(read->init_data->format == "toml");
  CHECK(read->init_data->body == "a = \"b\"\n");
  CHECK(read->nonce == some_nonce());
  CHECK(read->key.kind == TeePublicKey::Kind::rsa);
  CHECK(to_hex(read->key.modulus) == "aabbcc");
  CHECK(to_hex(read->key.exponent) == "010001");
  CHECK(read->primary_evidence == R"({"a":[1,2]})");
  CHECK(read->additional_evidence == R"({"nvidia":{}})");
  const std::string again = encode_attestation(*read, ProtocolVersion::v0_4_0);
  const auto twice = parse_attestation(again, ProtocolVersion::v0_4_0);
  REQUIRE(twice);
  CHECK(encode_attestation(*twice, ProtocolVersion::v0_4_0) == again);
}

TEST_CASE("older attestations have the key beside the evidence, and no nonce") {
  const std::string evidence = R"({"quote":"AA=="})";
  const std::string plain = R"({"tee-pubkey":)" + ec_key + R"(,"tee-evidence":)" + evidence + "}";
  const std::string composite = R"({"tee-pubkey":)" + ec_key + R"(,"tee-evidence":{"primary_evidence":)" + evidence +
                                R"(,"additional_evidence":""}})";
  for (const ProtocolVersion version : {ProtocolVersion::v0_1_1, ProtocolVersion::v0_2_0, ProtocolVersion::v0_3_0}) {
    CAPTURE(version_name(version));
    const std::string& text = has_composite_evidence(version) ? composite : plain;
    const auto read = parse_attestation(text, version);
    REQUIRE(read);
    CHECK_FALSE(read->nonce);
    CHECK(read->key.curve == "P-256");
    CHECK(read->primary_evidence == evidence);
    CHECK_FALSE(parse_attestation(text, ProtocolVersion::v0_4_0));
    const std::string again = encode_attestation(*read, version);
    CHECK(parse_attestation(again, version)->primary_evidence == evidence);
  }
}

TEST_CASE("an attestation that binds less than it says is refused") {
  REQUIRE(parse_attestation(attestation_with(ec_key), ProtocolVersion::v0_4_0));
  struct Case {
    const char* what;
    std::string text;
  };
  for (const Case& one :
       {Case{"a member of the key that no hash covers",
             attestation_with(R"({"kty":"EC","crv":"P-256","alg":"A","x":"AQI","y":"AwQ","kid":"other"})")},
        {"a private key", attestation_with(R"({"kty":"EC","crv":"P-256","alg":"A","x":"AQI","y":"AwQ","d":"AQ"})")},
        {"an RSA key with a curve", attestation_with(R"({"kty":"RSA","alg":"A","n":"AQI","e":"AQ","crv":"P-256"})")},
        {"another kind of key", attestation_with(R"({"kty":"AKP","alg":"ML-KEM-768","pub":"AQ"})")},
        {"a key with padding", attestation_with(R"({"kty":"EC","crv":"P-256","alg":"A","x":"AQI=","y":"AwQ"})")},
        {"a key with stray bits", attestation_with(R"({"kty":"EC","crv":"P-256","alg":"A","x":"AQJ","y":"AwQ"})")},
        {"a key twice", attestation_with(ec_key, R"(,"tee-pubkey":)" + ec_key)},
        {"more runtime data", attestation_with(ec_key, R"(,"note":"x")")},
        {"no nonce", R"({"runtime-data":{"tee-pubkey":)" + ec_key +
                         R"(},"tee-evidence":{"primary_evidence":{},"additional_evidence":""}})"},
        {"no evidence", R"({"runtime-data":{"nonce":")" + nonce + R"(","tee-pubkey":)" + ec_key + "}}"},
        {"additional evidence that is no string",
         R"({"runtime-data":{"nonce":")" + nonce + R"(","tee-pubkey":)" + ec_key +
             R"(},"tee-evidence":{"primary_evidence":{},"additional_evidence":{}}})"}}) {
    INFO(one.what);
    CHECK_FALSE(parse_attestation(one.text, ProtocolVersion::v0_4_0));
  }
}

TEST_CASE("errors have Trustee's types and statuses") {
  CHECK(
      encode_error(ErrorKind::attestation, "say \"why\"\n") ==
      R"({"type":"https://github.com/confidential-containers/kbs/errors/AttestationError","detail":"say \"why\"\n"})");
  for (const ErrorKind kind :
       {ErrorKind::attestation, ErrorKind::invalid_request_path, ErrorKind::jwe, ErrorKind::plugin_not_found,
        ErrorKind::plugin_internal, ErrorKind::policy_deny, ErrorKind::policy_engine, ErrorKind::serde,
        ErrorKind::token_not_found, ErrorKind::token_verifier}) {
    CAPTURE(error_name(kind));
    const bool missing = kind == ErrorKind::invalid_request_path || kind == ErrorKind::plugin_not_found;
    CHECK(error_status(kind) == (missing ? 404 : 401));
    const auto read = parse_error(encode_error(kind, "\xff detail"));
    REQUIRE(read);
    CHECK(read->name == error_name(kind));
    CHECK(read->detail == "\xef\xbf\xbd detail");
  }
  CHECK_FALSE(parse_error(R"({"type":"about:blank","detail":""})"));
  CHECK_FALSE(parse_error(R"({"type":"https://github.com/confidential-containers/kbs/errors/PolicyDeny"})"));
}

TEST_CASE("the answer to an attestation is a token") {
  CHECK(encode_token("a.b.c") == R"({"token":"a.b.c"})");
  CHECK(parse_token(R"({"token":"a.b.c"})") == "a.b.c");
  CHECK_FALSE(parse_token(R"({"token":""})"));
  CHECK_FALSE(parse_token(R"({"jwt":"a.b.c"})"));
}

TEST_CASE("a resource path names repository, type and tag, and nothing else") {
  const ResourceId named{"my-repo", "disk_key", "v1.0"};
  CHECK(parse_resource_path("/kbs/v0/resource/my-repo/disk_key/v1.0") == named);
  CHECK(resource_path(named) == "/kbs/v0/resource/my-repo/disk_key/v1.0");
  const ResourceId by_default{"default", "key", "1"};
  CHECK(parse_resource_path("/kbs/v0/resource//key/1") == by_default);
  CHECK(parse_resource_path("/kbs/v0/resource/key/1") == by_default);
  CHECK(parse_resource_path("/kbs/v0/resource/a/b/" + std::string(64, 'c')));
  for (const std::string& path :
       {std::string("/kbs/v0/resource/"), std::string("/kbs/v0/resource/a"), std::string("/kbs/v0/resource/a/b/c/d"),
        std::string("/kbs/v0/resource/a/b/"), std::string("/kbs/v0/resource/a//c"), std::string("/kbs/v0/resource///c"),
        std::string("/kbs/v0/resource/a/../c"), std::string("/kbs/v0/resource/a/b/.c"),
        std::string("/kbs/v0/resource/a/b/_c"), std::string("/kbs/v0/resource/a/b/c%2f"),
        std::string("/kbs/v0/resource/a/b/c?x=y"), std::string("/kbs/v0/resource/a/b/c\n"),
        std::string("/kbs/v0/resource/a/b/c\0", 23), std::string("/kbs/v1/resource/a/b/c"), std::string("a/b/c"),
        "/kbs/v0/resource/a/b/" + std::string(65, 'c'), "/kbs/v0/resource/" + std::string(1U << 20U, '/')}) {
    CAPTURE(path.substr(0, 60));
    CHECK_FALSE(parse_resource_path(path));
  }
}

}  // namespace attestd::kbs
