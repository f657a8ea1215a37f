#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>

#include "jose/jwk_internal.h"

namespace attestd {
namespace {

using openssl::Key;
using openssl::KeyContext;
using openssl::Number;
using ParamBuilder = openssl::Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = openssl::Handle<OSSL_PARAM, OSSL_PARAM_free>;

constexpr std::byte uncompressed{4};  // SEC 1 section 2.3.3

Result<Key> from_params(const char* algorithm, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, algorithm, nullptr));
  EVP_PKEY* raw = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    return openssl::failure("the JWK is not a valid public key");
  }
  return Key(raw);
}

Result<Key> rsa_key(const PublicJwk& jwk) {
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  const Number n(BN_bin2bn(openssl::data(jwk.n), static_cast<int>(jwk.n.size()), nullptr));
  const Number e(BN_bin2bn(openssl::data(jwk.e), static_cast<int>(jwk.e.size()), nullptr));
  if (!builder || !n || !e || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return openssl::failure("OpenSSL does not take the RSA key");
  }
  return from_params("RSA", builder.get());
}

Result<Key> ec_key(const PublicJwk& jwk) {
  Writer point;
  point.raw({&uncompressed, 1}).raw(jwk.x).raw(jwk.y);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!builder ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve_name(jwk.type), 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.bytes().data(),
                                       point.bytes().size()) != 1) {
    return openssl::failure("OpenSSL does not take the EC key");
  }
  // Decodes the point as SEC 1 section 2.3.4 has it: it is on the curve, or there is no key.
  return from_params("EC", builder.get());
}

Result<Bytes> number_of(const EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return openssl::failure("the key has no public part");
  const Number number(raw);
  Bytes out(static_cast<std::size_t>(BN_num_bytes(raw)));
  BN_bn2bin(raw, openssl::writable(out));
  return out;
}

Result<JwkType> type_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) return JwkType::rsa;
  for (const JwkType type : {JwkType::p256, JwkType::p384, JwkType::p521}) {
    std::array<char, 64> name{};
    std::size_t size = 0;
    if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) == 1 &&
        OBJ_sn2nid(name.data()) == EC_curve_nist2nid(curve_name(type))) {
      return type;
    }
  }
  ERR_clear_error();
  return fail(Errc::unsupported, "the key is neither RSA nor EC on P-256, P-384 or P-521");
}

}  // namespace

const char* curve_name(JwkType type) {
  switch (type) {
    case JwkType::p256: return "P-256";
    case JwkType::p384: return "P-384";
    case JwkType::p521: return "P-521";
    case JwkType::rsa: break;
  }
  return "";
}

std::size_t coordinate_size(JwkType type) {
  switch (type) {
    case JwkType::p256: return 32;
    case JwkType::p384: return 48;
    case JwkType::p521: return 66;
    case JwkType::rsa: break;
  }
  return 0;
}

Result<Key> openssl_key(const PublicJwk& jwk) { return jwk.type == JwkType::rsa ? rsa_key(jwk) : ec_key(jwk); }

Result<PublicJwk> jwk_of(const EVP_PKEY* key, std::string alg) {
  PublicJwk out;
  out.alg = std::move(alg);
  ATTESTD_TRY(out.type, type_of(key));
  if (out.type == JwkType::rsa) {
    ATTESTD_TRY(out.n, number_of(key, OSSL_PKEY_PARAM_RSA_N));
    ATTESTD_TRY(out.e, number_of(key, OSSL_PKEY_PARAM_RSA_E));
    return out;
  }
  const std::size_t size = coordinate_size(out.type);
  for (auto& [name, coordinate] :
       {std::pair{OSSL_PKEY_PARAM_EC_PUB_X, &out.x}, std::pair{OSSL_PKEY_PARAM_EC_PUB_Y, &out.y}}) {
    ATTESTD_TRY(const Bytes number, number_of(key, name));
    *coordinate = Bytes(size - number.size());
    coordinate->insert(coordinate->end(), number.begin(), number.end());
  }
  return out;
}

}  // namespace attestd
