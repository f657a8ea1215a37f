#include "jose/jwk.h"

#include <algorithm>
#include <bit>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "evidence/digest.h"
#include "evidence/json_internal.h"
#include "jose/jwk_internal.h"

namespace attestd {
namespace {

namespace json = boost::json;

constexpr std::size_t min_modulus_bits = 2048;  // RFC 7518 section 4.3: shorter ones must not be used
constexpr std::size_t max_modulus_bits = 8192;
constexpr std::size_t max_exponent_size = 8;
constexpr std::size_t max_alg_size = 64;

// RFC 7518 section 2, Base64urlUInt: as few bytes as will do.
Result<Bytes> positive_number(const JsonMembers& members, std::string_view name, std::size_t max_size) {
  ATTESTD_TRY(Bytes number, members.bytes(name, 1, max_size));
  if (number.front() == std::byte{0}) return fail(Errc::malformed, members.place(name) + " has leading zeros");
  return number;
}

bool odd(ByteView number) { return (number.back() & std::byte{1}) != std::byte{0}; }

std::size_t bits_of(ByteView number) {
  return number.size() * 8 - static_cast<std::size_t>(std::countl_zero(std::to_integer<std::uint8_t>(number.front())));
}

Result<void> read_rsa(const JsonMembers& members, PublicJwk& out) {
  out.type = JwkType::rsa;
  ATTESTD_TRY(out.n, positive_number(members, "n", max_modulus_bits / 8));
  ATTESTD_TRY(out.e, positive_number(members, "e", max_exponent_size));
  if (bits_of(out.n) < min_modulus_bits) {
    return fail(Errc::out_of_range, members.place("n") + " has under " + std::to_string(min_modulus_bits) + " bits");
  }
  if (!odd(out.n)) return fail(Errc::malformed, members.place("n") + " is even");
  // SP 800-56B rev. 2 section 6.2.1: odd, and over 2^16. Whether `n` is a product of two
  // primes is for its owner to care about: nobody else loses when it is not.
  if (!odd(out.e) || bits_of(out.e) < 17) {
    return fail(Errc::out_of_range, members.place("e") + " is not an odd number of at least 65537");
  }
  return {};
}

Result<void> read_ec(const JsonMembers& members, PublicJwk& out) {
  ATTESTD_TRY(const std::string curve, members.string("crv"));
  const auto types = {JwkType::p256, JwkType::p384, JwkType::p521};
  const auto* const type =
      std::ranges::find_if(types, [&curve](JwkType candidate) { return curve == curve_name(candidate); });
  if (type == types.end()) return fail(Errc::unsupported, members.place("crv") + " is not P-256, P-384 or P-521");
  out.type = *type;
  // RFC 7518 sections 6.2.1.2 and 6.2.1.3: leading zeros are kept.
  const std::size_t size = coordinate_size(out.type);
  ATTESTD_TRY(out.x, members.bytes("x", size, size));
  ATTESTD_TRY(out.y, members.bytes("y", size, size));
  ATTESTD_CHECK(openssl_key(out));
  return {};
}

// The members that RFC 7638 section 3.2 asks for, sorted; "alg" comes before all of them.
std::string text_of(const PublicJwk& jwk, bool with_alg) {
  json::object out;
  if (with_alg && !jwk.alg.empty()) out["alg"] = jwk.alg;
  if (jwk.type == JwkType::rsa) {
    out["e"] = to_base64url(jwk.e);
    out["kty"] = "RSA";
    out["n"] = to_base64url(jwk.n);
  } else {
    out["crv"] = curve_name(jwk.type);
    out["kty"] = "EC";
    out["x"] = to_base64url(jwk.x);
    out["y"] = to_base64url(jwk.y);
  }
  return json::serialize(out);
}

}  // namespace

std::string PublicJwk::json() const { return text_of(*this, true); }

FixedBytes<32> PublicJwk::thumbprint() const {
  FixedBytes<32> out;
  std::ranges::copy(digest(HashAlgorithm::sha256, {as_bytes(text_of(*this, false))}), out.begin());
  return out;
}

Result<PublicJwk> parse_jwk(const json::value& value, const std::string& place) {
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, place));
  // RFC 7518 sections 6.2.2.1, 6.3.2.1 and 6.4.1. Who sends this by mistake has to hear of it.
  if (members.find("d") != nullptr || members.find("k") != nullptr) {
    return fail(Errc::refused, place + " holds a private key: only its public part may leave its owner");
  }
  PublicJwk out;
  ATTESTD_TRY(out.alg, members.optional_string("alg"));
  if (out.alg.size() > max_alg_size) return fail(Errc::out_of_range, members.place("alg") + " is too long");
  ATTESTD_TRY(const std::string type, members.string("kty"));
  if (type == "RSA") {
    ATTESTD_CHECK(read_rsa(members, out));
  } else if (type == "EC") {
    ATTESTD_CHECK(read_ec(members, out));
  } else {
    return fail(Errc::unsupported, members.place("kty") + " is neither EC nor RSA");
  }
  return out;
}

Result<PublicJwk> parse_jwk(std::string_view text) {
  if (text.size() > jwk_max_size) {
    return fail(Errc::out_of_range, "the JWK has over " + std::to_string(jwk_max_size) + " bytes");
  }
  ATTESTD_TRY(const json::value value, parse_json(text));
  return parse_jwk(value, "the JWK");
}

}  // namespace attestd
