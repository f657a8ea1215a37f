// A relying party of the test's own, and a guest that it believes.
#pragma once

#include <map>

#include "jose/jwe.h"
#include "tests/catch.h"
#include "unlock/relying_party.h"

namespace attestd::unlock {

inline constexpr std::string_view secret = "correct horse battery staple";

// Answers as a broker would, and remembers what it was asked.
struct Party {
  std::vector<FetchRequest> asked;
  std::map<std::string, FetchResponse> instead;  // by path
  std::string key;                               // JWK of the guest

  Result<FetchResponse> answer(const FetchRequest& request) {
    asked.push_back(request);
    const std::string path = request.url.substr(std::string("https://broker").size());
    if (const auto other = instead.find(path); other != instead.end()) return other->second;
    FetchResponse out;
    out.status = 200;
    if (path == "/kbs/v0/auth") {
      kbs::Challenge challenge;
      challenge.nonce.fill(std::byte{9});
      out.body = kbs::encode_challenge(challenge);
      out.headers = {{"set-cookie", "kbs-session-id=first; Path=/; HttpOnly"}};
    } else if (path == "/kbs/v0/attest") {
      const auto attestation = kbs::parse_attestation(request.body, kbs::ProtocolVersion::v0_4_0);
      REQUIRE(attestation);
      key = kbs::encode_tee_public_key(attestation->key);
      out.body = kbs::encode_token("a.b.c");
      out.headers = {{"set-cookie", "kbs-session-id=second"}};
    } else if (path == "/v1/volume-header") {
      out.body = "{}";
    } else {
      out.body = encrypt_jwe(as_bytes(secret), parse_jwk(key).value()).value();
    }
    return out;
  }
  Fetch fetch() {
    return [this](const FetchRequest& request) { return answer(request); };
  }
};

struct Guest {
  Bytes nonce;
  UnlockClaim claim;
  Attester attester() {
    return {.tee = kbs::Tee::snp,
            .bundle = [this](const Bytes& given, const UnlockClaim& claimed) -> Result<std::string> {
              nonce = given;
              claim = claimed;
              return std::string(R"({"__cmwc_t":"x"})");
            },
            .raw_report = [](const FixedBytes<64>&) -> Result<Bundle> { return fail(Errc::unsupported, "none here"); }};
  }
};

inline FetchResponse problem(long status, kbs::ErrorKind kind) {
  FetchResponse out;
  out.status = status;
  out.body = kbs::encode_error(kind, "because");
  return out;
}

}  // namespace attestd::unlock
