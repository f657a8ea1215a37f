#include <algorithm>
#include <array>
#include <boost/json/object.hpp>

#include "base/encoding.h"
#include "evidence/json_internal.h"
#include "jose/jwe.h"
#include "jose/jwe_crypto_internal.h"
#include "jose/jwk_internal.h"

namespace attestd {

namespace {

namespace json = boost::json;

constexpr std::size_t max_header_size = std::size_t{16} * 1024;  // bytes of JSON text
constexpr std::size_t max_party_info = 1024;                     // bytes of "apu", "apv" each
constexpr std::size_t max_encrypted_key = 1024;                  // RSA of 8192 bits

struct Algorithm {
  std::string_view name;
  std::size_t key_size;  // bytes
};
// RFC 7518 sections 4.6 and 5.3
constexpr std::array agreements{Algorithm{"ECDH-ES+A128KW", 16}, Algorithm{"ECDH-ES+A192KW", 24},
                                Algorithm{jwe_alg_ecdh_es_a256kw, 32}};
constexpr std::array contents{Algorithm{"A128GCM", 16}, Algorithm{"A192GCM", 24}, Algorithm{"A256GCM", 32}};

const Algorithm* find(const std::array<Algorithm, 3>& table, std::string_view name) {
  const auto* const found = std::ranges::find(table, name, &Algorithm::name);
  return found == table.end() ? nullptr : found;
}

struct Header {
  const Algorithm* agreement = nullptr;  // none: RSA-OAEP-256
  std::size_t content_key_size = 0;
  PublicJwk ephemeral;  // with an agreement
  Bytes apu, apv;
};

struct Text {
  std::string authenticated;  // RFC 7516 section 5.1 step 14
  Header header;
  Bytes encrypted_key;
  jwe::Sealed sealed;
};

Result<void> read_algorithms(const JsonMembers& members, JwkType type, Header& out) {
  ATTESTD_TRY(const std::string alg, members.string("alg"));
  if (alg == "RSA1_5") return jwe::refuse_rsa1_5();
  out.agreement = find(agreements, alg);
  if (out.agreement == nullptr && alg != jwe_alg_rsa_oaep_256) {
    return fail(Errc::unsupported, members.place("alg") + " is none of ECDH-ES+A256KW, +A192KW, +A128KW, RSA-OAEP-256");
  }
  if ((type == JwkType::rsa) != (out.agreement == nullptr)) {
    return fail(Errc::unsupported, members.place("alg") + " is not for a key of this type");
  }
  ATTESTD_TRY(const std::string enc, members.string("enc"));
  const Algorithm* const content = find(contents, enc);
  if (content == nullptr)
    return fail(Errc::unsupported, members.place("enc") + " is none of A256GCM, A192GCM, A128GCM");
  out.content_key_size = content->key_size;
  return {};
}

Result<void> read_agreement(const JsonMembers& members, JwkType type, Header& out) {
  ATTESTD_TRY(const json::value* const epk, members.member("epk"));
  ATTESTD_TRY(out.ephemeral, parse_jwk(*epk, members.place("epk")));
  if (out.ephemeral.type != type) {
    return fail(Errc::unsupported, members.place("epk") + " is not on the curve of this key");
  }
  for (const auto& [name, info] : {std::pair{"apu", &out.apu}, std::pair{"apv", &out.apv}}) {
    if (members.find(name) == nullptr) continue;
    ATTESTD_TRY(*info, members.bytes(name, 0, max_party_info));
  }
  return {};
}

Result<Header> read_header(std::string_view text, JwkType type) {
  ATTESTD_TRY(const json::value value, parse_json(text));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, "the protected header"));
  // RFC 7516 sections 4.1.3 and 4.1.13: we have no extensions, and a compressed
  // secret tells by its length what it holds.
  for (const std::string_view name : {"crit", "zip"}) {
    if (members.find(name) != nullptr) return fail(Errc::unsupported, members.place(name) + " is not supported");
  }
  Header out;
  ATTESTD_CHECK(read_algorithms(members, type, out));
  if (out.agreement != nullptr) ATTESTD_CHECK(read_agreement(members, type, out));
  return out;
}

Result<Text> read_text(std::string_view text, JwkType type) {
  if (text.size() > jwe_max_size) {
    return fail(Errc::out_of_range, "the JWE has over " + std::to_string(jwe_max_size) + " bytes");
  }
  ATTESTD_TRY(const json::value value, parse_json(text));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, "the JWE"));
  for (const std::string_view name : {"header", "unprotected", "recipients"}) {
    if (members.find(name) != nullptr) {
      return fail(Errc::unsupported, members.place(name) + " is not supported: it is not authenticated");
    }
  }
  Text out;
  ATTESTD_TRY(out.authenticated, members.string("protected"));
  ATTESTD_TRY(const Bytes header, members.bytes("protected", 0, max_header_size));
  ATTESTD_TRY(out.header, read_header(as_text(header), type));
  ATTESTD_TRY(out.encrypted_key, members.bytes("encrypted_key", 1, max_encrypted_key));
  ATTESTD_TRY(out.sealed.iv, members.bytes("iv", jwe::iv_size, jwe::iv_size));
  ATTESTD_TRY(out.sealed.ciphertext, members.bytes("ciphertext", 0, jwe_max_plaintext));
  ATTESTD_TRY(out.sealed.tag, members.bytes("tag", jwe::tag_size, jwe::tag_size));
  if (members.find("aad") != nullptr) {
    // RFC 7516 section 7.2.1: absent when empty.
    ATTESTD_CHECK(members.bytes("aad", 1, jwe_max_size));
    ATTESTD_TRY(const std::string aad, members.string("aad"));
    out.authenticated.append(".").append(aad);
  }
  return out;
}

Result<SecretBytes> content_key(const Text& text, const DecryptionKey& key) {
  EVP_PKEY* const own = key.state().key.get();
  const Algorithm* const agreement = text.header.agreement;
  if (agreement == nullptr) return jwe::oaep_decrypt(own, text.encrypted_key);
  ATTESTD_TRY(const openssl::Key peer, openssl_key(text.header.ephemeral));
  ATTESTD_TRY(const SecretBytes z, jwe::agree(own, peer.get()));
  ATTESTD_TRY(const SecretBytes wrapping_key,
              jwe::concat_kdf(z.view(), agreement->name, text.header.apu, text.header.apv, agreement->key_size));
  return jwe::unwrap_key(wrapping_key.view(), text.encrypted_key);
}

}  // namespace

Result<SecretBytes> decrypt_jwe(std::string_view jwe, const DecryptionKey& key) {
  ATTESTD_TRY(const Text text, read_text(jwe, key.public_jwk().type));
  // RFC 7516 section 11.5: a key that does not come out is replaced by a random one, so that
  // neither the answer nor its time tells where decryption ended.
  ATTESTD_TRY(SecretBytes used, jwe::random_key(text.header.content_key_size));
  Result<SecretBytes> found = content_key(text, key);
  if (!found && found.error().code != Errc::mismatch) return found;
  if (found && found->size() == used.size()) used = *std::move(found);
  return jwe::open(used.view(), text.authenticated, text.sealed);
}

}  // namespace attestd
