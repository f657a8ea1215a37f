#include "broker/challenge.h"

#include <openssl/hmac.h>

#include <array>

#include "base/encoding.h"
#include "base/openssl_internal.h"
#include "base/random.h"

namespace attestd::broker {
namespace {

constexpr std::uint8_t token_version = 1;
constexpr std::size_t mac_size = 32;
constexpr std::size_t text_limit = 64;
// What the key authenticates, lest another use of it ever yields the same bytes.
constexpr std::string_view domain = "attest-broker challenge";

Result<FixedBytes<mac_size>> mac_of(ByteView key, ByteView body) {
  Writer message;
  message.raw(as_bytes(domain)).u8(0).raw(body);
  FixedBytes<mac_size> out{};
  unsigned size = mac_size;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), openssl::data(message.bytes()),
           message.bytes().size(), openssl::writable(out), &size) == nullptr ||
      size != mac_size) {
    return openssl::failure("cannot authenticate a challenge");
  }
  return out;
}

}  // namespace

Result<Challenge> make_challenge(std::int64_t expires_at) {
  Challenge out;
  ATTESTD_TRY(out.nonce, random_bytes(challenge_nonce_size));
  out.expires_at = expires_at;
  return out;
}

Result<std::string> ChallengeKey::seal(const Challenge& challenge) const {
  Writer body;
  body.u8(token_version).be64(static_cast<std::uint64_t>(challenge.expires_at)).raw(challenge.nonce);
  for (const std::string* text : {&challenge.protocol, &challenge.tee, &challenge.selector, &challenge.hash}) {
    if (text->size() > text_limit) return fail(Errc::out_of_range, "a name in the request has over 64 bytes");
    body.u8(static_cast<std::uint8_t>(text->size())).raw(as_bytes(*text));
  }
  ATTESTD_TRY(const auto mac, mac_of(key_.view(), body.bytes()));
  body.raw(mac);
  return to_base64url(body.bytes());
}

Result<Challenge> ChallengeKey::open(std::string_view token, std::int64_t now) const {
  const auto foreign = [] { return fail(Errc::mismatch, "the challenge is none of ours: begin again"); };
  if (token.size() > challenge_token_limit) return foreign();
  const auto bytes = from_base64url(token);
  if (!bytes || bytes->size() < mac_size) return foreign();
  const ByteView body = ByteView(*bytes).first(bytes->size() - mac_size);
  ATTESTD_TRY(const auto mac, mac_of(key_.view(), body));
  if (!constant_time_equal(mac, ByteView(*bytes).last(mac_size))) return foreign();
  // Authentic, hence ours; another version of the broker may have made it all the same.
  Reader in(body);
  ATTESTD_TRY(const std::uint8_t version, in.u8("the version"));
  if (version != token_version) return foreign();
  Challenge out;
  ATTESTD_TRY(const std::uint64_t expires_at, in.be64("the expiry"));
  out.expires_at = static_cast<std::int64_t>(expires_at);
  ATTESTD_TRY(const auto nonce, in.fixed<challenge_nonce_size>("the nonce"));
  out.nonce = to_bytes(ByteView(nonce));
  for (std::string* text : {&out.protocol, &out.tee, &out.selector, &out.hash}) {
    ATTESTD_TRY(const std::uint8_t size, in.u8("a text's length"));
    ATTESTD_TRY(const ByteView view, in.take(size, "a text"));
    *text = as_text(view);
  }
  if (!in.empty()) return foreign();
  if (out.expires_at <= now) return fail(Errc::expired, "the challenge has expired: begin again");
  return out;
}

}  // namespace attestd::broker
