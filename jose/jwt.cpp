#include "jose/jwt.h"

#include <boost/json/object.hpp>

#include "base/encoding.h"
#include "evidence/json_internal.h"
#include "jose/ecdsa_internal.h"
#include "jose/jwk_internal.h"

namespace attestd {

struct SigningKey::State {
  openssl::Key key;
  PublicJwk public_jwk;
};

namespace {

namespace json = boost::json;

using Pkcs8 = openssl::Handle<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;  // wipes what it frees

constexpr std::string_view algorithm = "ES256";
constexpr std::size_t max_pkcs8 = 4096;
constexpr std::int64_t max_time = 253402300799;  // 9999-12-31T23:59:59Z

struct Parts {
  std::string_view header, claims, signature;
  std::string_view signed_text;  // RFC 7515 section 5.1 step 5
};

Result<Parts> split(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return fail(Errc::malformed, "the token does not have three parts");
  }
  return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1), token.substr(second + 1),
               token.substr(0, second)};
}

Result<std::string> decoded(std::string_view part, std::string_view what) {
  auto bytes = from_base64url(part);
  if (!bytes) return std::unexpected(std::move(bytes).error().in(what));
  return std::string(as_text(*bytes));
}

Result<void> check_header(std::string_view text) {
  ATTESTD_TRY(const json::value value, parse_json(text));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, "the token's header"));
  ATTESTD_TRY(const std::string alg, members.string("alg"));
  if (alg != algorithm) return fail(Errc::unsupported, members.place("alg") + " is not " + std::string(algorithm));
  // RFC 7515 section 4.1.11: we have no extensions.
  if (members.find("crit") != nullptr) return fail(Errc::unsupported, members.place("crit") + " is not supported");
  return {};
}

Result<void> check_size(std::string_view text, std::size_t limit, std::string_view what) {
  if (text.size() <= limit) return {};
  return fail(Errc::out_of_range, std::string(what) + " over " + std::to_string(limit) + " bytes");
}

Result<void> check_object(std::string_view claims) {
  ATTESTD_TRY(const json::value value, parse_json(claims));
  ATTESTD_CHECK(JsonMembers::of(value, "the claims"));
  return {};
}

Result<std::int64_t> time_of(const JsonMembers& members, std::string_view name) {
  return members.signed_integer(name, 0, max_time);
}

}  // namespace

Result<SecretBytes> make_signing_key() {
  const openssl::Key key(EVP_EC_gen(curve_name(JwkType::p256)));
  const Pkcs8 encoded(key ? EVP_PKEY2PKCS8(key.get()) : nullptr);
  const int size = encoded ? i2d_PKCS8_PRIV_KEY_INFO(encoded.get(), nullptr) : 0;
  if (size <= 0) return openssl::failure("OpenSSL does not make a key");
  ATTESTD_TRY(SecretBytes out, SecretBytes::make(static_cast<std::size_t>(size)));
  unsigned char* cursor = openssl::writable(out.writable());
  if (i2d_PKCS8_PRIV_KEY_INFO(encoded.get(), &cursor) != size) return openssl::failure("OpenSSL does not make a key");
  return out;
}

Result<SigningKey> SigningKey::from_pkcs8(ByteView der) {
  const unsigned char* cursor = openssl::data(der);
  const Pkcs8 encoded(
      der.size() > max_pkcs8 ? nullptr : d2i_PKCS8_PRIV_KEY_INFO(nullptr, &cursor, static_cast<long>(der.size())));
  const bool whole = encoded && cursor == openssl::data(der) + der.size();
  auto state = std::make_unique<State>();
  if (whole) state->key.reset(EVP_PKCS82PKEY(encoded.get()));
  // What OpenSSL says could hold a piece of the key.
  ERR_clear_error();
  if (!state->key) return fail(Errc::malformed, "the signing key is not PKCS#8 in DER");
  auto jwk = jwk_of(state->key.get(), std::string(algorithm));
  if (!jwk || jwk->type != JwkType::p256) return fail(Errc::unsupported, "the signing key is not EC on P-256");
  state->public_jwk = *std::move(jwk);
  const openssl::KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, state->key.get(), nullptr));
  if (!context || EVP_PKEY_check(context.get()) != 1) {
    ERR_clear_error();
    return fail(Errc::crypto, "the parts of the signing key do not belong together");
  }
  return SigningKey(std::move(state));
}

SigningKey::SigningKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
SigningKey::SigningKey(SigningKey&& other) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&& other) noexcept = default;
SigningKey::~SigningKey() = default;

const PublicJwk& SigningKey::public_jwk() const { return state_->public_jwk; }

Result<std::string> sign_jwt(std::string_view claims, const SigningKey& key) {
  ATTESTD_CHECK(check_size(claims, jwt_max_claims, "the claims have"));
  ATTESTD_CHECK(check_object(claims));
  const std::string header = R"({"alg":"ES256","typ":"JWT","jwk":)" + key.public_jwk().json() + "}";
  std::string token = to_base64url(as_bytes(header)) + "." + to_base64url(as_bytes(claims));
  ATTESTD_TRY(const Bytes signature, jws::es256_sign(key.state().key.get(), as_bytes(token)));
  token.append(".").append(to_base64url(signature));
  return token;
}

Result<std::string> verify_jwt(std::string_view token, const PublicJwk& expected) {
  if (expected.type != JwkType::p256 || (!expected.alg.empty() && expected.alg != algorithm)) {
    return fail(Errc::usage, "the expected key is not for ES256");
  }
  ATTESTD_CHECK(check_size(token, jwt_max_size, "the token has"));
  ATTESTD_TRY(const Parts parts, split(token));
  ATTESTD_TRY(const std::string header, decoded(parts.header, "the token's header"));
  ATTESTD_CHECK(check_header(header));
  ATTESTD_TRY(const std::string signature, decoded(parts.signature, "the token's signature"));
  ATTESTD_TRY(const openssl::Key key, openssl_key(expected));
  if (!jws::es256_verifies(key.get(), as_bytes(parts.signed_text), as_bytes(signature))) {
    return fail(Errc::mismatch, "the token is not signed by the expected key");
  }
  ATTESTD_TRY(std::string claims, decoded(parts.claims, "the token's claims"));
  ATTESTD_CHECK(check_object(claims));
  return claims;
}

Result<void> check_jwt_times(std::string_view claims, std::int64_t now, std::int64_t leeway) {
  ATTESTD_CHECK(check_size(claims, jwt_max_claims, "the claims have"));
  ATTESTD_TRY(const json::value value, parse_json(claims));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, "the claims"));
  ATTESTD_TRY(const std::int64_t end, time_of(members, "exp"));
  if (now - leeway >= end) return fail(Errc::expired, "the token ended at " + to_rfc3339(end));
  if (members.find("nbf") == nullptr) return {};
  ATTESTD_TRY(const std::int64_t begin, time_of(members, "nbf"));
  if (now + leeway < begin) return fail(Errc::expired, "the token is not valid before " + to_rfc3339(begin));
  return {};
}

}  // namespace attestd
