#include "tests/jose/private_jwk.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <array>
#include <boost/json/object.hpp>
#include <utility>
#include <vector>

#include "evidence/json_internal.h"

namespace attestd::test {
namespace {

using openssl::Number;
using ParamBuilder = openssl::Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = openssl::Handle<OSSL_PARAM, OSSL_PARAM_free>;

constexpr std::array rsa_names{
    std::pair{"n", OSSL_PKEY_PARAM_RSA_N},          std::pair{"e", OSSL_PKEY_PARAM_RSA_E},
    std::pair{"d", OSSL_PKEY_PARAM_RSA_D},          std::pair{"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
    std::pair{"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    std::pair{"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
    std::pair{"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, std::pair{"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};

// The numbers stay until the builder is done with them.
Result<Number> push(OSSL_PARAM_BLD* builder, const char* name, const Bytes& bytes) {
  Number number(BN_bin2bn(openssl::data(bytes), static_cast<int>(bytes.size()), nullptr));
  if (!number || OSSL_PARAM_BLD_push_BN(builder, name, number.get()) != 1) return openssl::failure("no number");
  return number;
}

}  // namespace

Result<openssl::Key> private_key(std::string_view text) {
  ATTESTD_TRY(boost::json::value value, parse_json(text));
  boost::json::object open = value.is_object() ? value.get_object() : boost::json::object();
  open.erase("d");
  ATTESTD_TRY(const PublicJwk jwk, parse_jwk(open, "the JWK"));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, "the JWK"));
  const bool rsa = jwk.type == JwkType::rsa;
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  std::vector<Number> numbers;
  Writer point;
  if (rsa) {
    for (const auto& [member, name] : rsa_names) {
      ATTESTD_TRY(const Bytes bytes, members.bytes(member, 1, 1024));
      ATTESTD_TRY(Number number, push(builder.get(), name, bytes));
      numbers.push_back(std::move(number));
    }
  } else {
    ATTESTD_TRY(const Bytes d, members.bytes("d", 1, coordinate_size(jwk.type)));
    ATTESTD_TRY(Number number, push(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, d));
    numbers.push_back(std::move(number));
    point.u8(4).raw(jwk.x).raw(jwk.y);
    OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve_name(jwk.type), 0);
    OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.bytes().data(),
                                     point.bytes().size());
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const openssl::KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, rsa ? "RSA" : "EC", nullptr));
  EVP_PKEY* raw = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_KEYPAIR, params.get()) != 1) {
    return openssl::failure("OpenSSL does not take the private key");
  }
  return openssl::Key(raw);
}

Result<DecryptionKey> private_jwk(std::string_view jwk) {
  ATTESTD_TRY(openssl::Key key, private_key(jwk));
  return decryption_key(std::move(key));
}

}  // namespace attestd::test
