#include "evidence/ssh_certificate.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/openssl_internal.h"

namespace attestd {
namespace {

constexpr std::uint32_t type_host = 2;  // SSH2_CERT_TYPE_HOST
constexpr std::size_t name_limit = 253;
constexpr std::size_t ed25519_key_size = 32;
constexpr std::size_t ed25519_signature_size = 64;
constexpr std::string_view ed25519 = "ssh-ed25519";
constexpr std::string_view certificate_suffix = "-cert-v01@openssh.com";

// How many fields a public key of the type has after its name; PROTOCOL.certkeys copies them.
struct KeyType {
  std::string_view name;
  unsigned fields;
};
constexpr std::array<KeyType, 5> key_types{
    {{ed25519, 1}, {"ecdsa-sha2-nistp256", 2}, {"ecdsa-sha2-nistp384", 2}, {"ecdsa-sha2-nistp521", 2}, {"ssh-rsa", 2}}};

Result<unsigned> fields_of(std::string_view type) {
  const auto* const known = std::ranges::find(key_types, type, &KeyType::name);
  if (known == key_types.end()) {
    return fail(Errc::unsupported, "no certificate is for a key of type " + std::string(type.substr(0, 64)));
  }
  return known->fields;
}

// RFC 4251 section 5: a length of 32 bits, then the bytes.
void put_string(Writer& out, ByteView bytes) { out.be32(static_cast<std::uint32_t>(bytes.size())).raw(bytes); }

Result<ByteView> take_string(Reader& in, std::string_view what) {
  ATTESTD_TRY(const std::uint32_t size, in.be32(what));
  return in.take(size, what);
}

// So many strings, as they stand.
Result<ByteView> take_fields(Reader& in, unsigned count) {
  const ByteView from = in.rest();
  const std::size_t before = in.remaining();
  for (unsigned i = 0; i < count; ++i) ATTESTD_CHECK(take_string(in, "a field of the host key"));
  return from.first(before - in.remaining());
}

Result<ByteView> key_fields(const SshPublicKey& key) {
  ATTESTD_TRY(const unsigned count, fields_of(key.type));
  Reader in(key.blob);
  ATTESTD_CHECK(take_string(in, "the type of the host key"));
  ATTESTD_TRY(const ByteView fields, take_fields(in, count));
  if (!in.empty()) return fail_at(Errc::malformed, in.offset(), "the host key goes on after its last field");
  return fields;
}

// The point of an Ed25519 key.
Result<ByteView> ed25519_point(ByteView blob) {
  Reader in(blob);
  ATTESTD_TRY(const ByteView type, take_string(in, "the authority's type"));
  if (as_text(type) != ed25519) return fail(Errc::unsupported, "the authority's key is not of type ssh-ed25519");
  ATTESTD_TRY(const ByteView point, take_string(in, "the authority's key"));
  if (point.size() != ed25519_key_size || !in.empty()) return fail(Errc::malformed, "the authority's key is malformed");
  return point;
}

Result<void> verify_signature(ByteView authority, ByteView body, ByteView signature) {
  ATTESTD_TRY(const ByteView point, ed25519_point(authority));
  Reader in(signature);
  ATTESTD_TRY(const ByteView type, take_string(in, "the signature's type"));
  ATTESTD_TRY(const ByteView raw, take_string(in, "the signature"));
  if (as_text(type) != ed25519 || raw.size() != ed25519_signature_size || !in.empty()) {
    return fail(Errc::malformed, "the certificate's signature is not of type ssh-ed25519");
  }
  const openssl::Key key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, openssl::data(point), point.size()));
  const openssl::DigestContext context(EVP_MD_CTX_new());
  const bool good =
      key != nullptr && context != nullptr &&
      EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
      EVP_DigestVerify(context.get(), openssl::data(raw), raw.size(), openssl::data(body), body.size()) == 1;
  ERR_clear_error();
  if (!good) return fail(Errc::mismatch, "the certificate's signature is not its authority's");
  return {};
}

Result<std::vector<std::string>> parse_principals(ByteView bytes) {
  Reader in(bytes);
  std::vector<std::string> out;
  while (!in.empty()) {
    ATTESTD_TRY(const ByteView name, take_string(in, "a principal"));
    if (!is_ssh_principal(as_text(name))) return fail(Errc::malformed, "a principal is no host name or address");
    if (out.size() == ssh_principals_limit) return fail(Errc::out_of_range, "a certificate has over 256 principals");
    out.emplace_back(as_text(name));
  }
  if (out.empty()) return fail(Errc::malformed, "a certificate without principals is for any host");
  return out;
}

// From the certificate's type to the last field of the host's key.
Result<SshPublicKey> take_subject_key(Reader& in, std::string_view called) {
  ATTESTD_TRY(const ByteView type, take_string(in, "the certificate's type"));
  if (!as_text(type).ends_with(certificate_suffix)) return fail(Errc::unsupported, "this is no ssh certificate");
  if (as_text(type) != called) return fail(Errc::mismatch, "the certificate is of another type than it is called");
  SshPublicKey out;
  out.type = as_text(type).substr(0, type.size() - certificate_suffix.size());
  ATTESTD_TRY(const unsigned count, fields_of(out.type));
  ATTESTD_CHECK(take_string(in, "the nonce"));
  ATTESTD_TRY(const ByteView fields, take_fields(in, count));
  Writer key;
  put_string(key, as_bytes(out.type));
  out.blob = key.raw(fields).take();
  return out;
}

Result<std::int64_t> take_time(Reader& in, std::string_view what) {
  ATTESTD_TRY(const std::uint64_t time, in.be64(what));
  // OpenSSH writes "for ever" as all ones.
  constexpr auto latest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(time, latest));
}

}  // namespace

bool is_ssh_principal(std::string_view text) {
  return !text.empty() && text.size() <= name_limit && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == ':' || c == '_';
  });
}

Result<Bytes> encode_ssh_host_certificate(const SshHostCertificate& certificate, ByteView nonce) {
  ATTESTD_TRY(const ByteView fields, key_fields(certificate.key));
  if (certificate.principals.empty()) return fail(Errc::malformed, "a certificate without principals is for any host");
  if (certificate.principals.size() > ssh_principals_limit) {
    return fail(Errc::out_of_range, "a certificate has at most 256 principals");
  }
  if (certificate.valid_after < 0 || certificate.valid_before <= certificate.valid_after) {
    return fail(Errc::out_of_range, "a certificate must end after it begins");
  }
  Writer principals;
  for (const std::string& name : certificate.principals) {
    if (!is_ssh_principal(name)) return fail(Errc::malformed, "\"" + name + "\" is no host name or address");
    put_string(principals, as_bytes(name));
  }
  Writer out;
  put_string(out, as_bytes(certificate.key.type + std::string(certificate_suffix)));
  put_string(out, nonce);
  out.raw(fields);
  out.be64(certificate.serial).be32(type_host);
  put_string(out, as_bytes(certificate.key_id));
  put_string(out, principals.bytes());
  out.be64(static_cast<std::uint64_t>(certificate.valid_after));
  out.be64(static_cast<std::uint64_t>(certificate.valid_before));
  put_string(out, {});  // critical options: host certificates have none
  put_string(out, {});  // extensions
  put_string(out, {});  // reserved
  put_string(out, certificate.authority.blob);
  return out.take();
}

SshPublicKey signed_ssh_host_certificate(const SshHostCertificate& certificate, ByteView body, ByteView signature) {
  Writer wrapped;
  put_string(wrapped, as_bytes(ed25519));
  put_string(wrapped, signature);
  Writer out;
  out.raw(body);
  put_string(out, wrapped.bytes());
  return {certificate.key.type + std::string(certificate_suffix), out.take()};
}

Result<SshPublicKey> ssh_subject_key(const SshPublicKey& shown) {
  if (!shown.type.ends_with(certificate_suffix)) return shown;
  Reader in(shown.blob);
  return take_subject_key(in, shown.type);
}

Result<SshHostCertificate> parse_ssh_host_certificate(const SshPublicKey& blob) {
  Reader in(blob.blob);
  SshHostCertificate out;
  ATTESTD_TRY(out.key, take_subject_key(in, blob.type));
  ATTESTD_TRY(out.serial, in.be64("the serial number"));
  ATTESTD_TRY(const std::uint32_t kind, in.be32("the kind of certificate"));
  if (kind != type_host) return fail(Errc::unsupported, "the certificate is not a host's");
  ATTESTD_TRY(const ByteView key_id, take_string(in, "the key ID"));
  out.key_id = as_text(key_id);
  ATTESTD_TRY(const ByteView principals, take_string(in, "the principals"));
  ATTESTD_TRY(out.principals, parse_principals(principals));
  ATTESTD_TRY(out.valid_after, take_time(in, "the begin of validity"));
  ATTESTD_TRY(out.valid_before, take_time(in, "the end of validity"));
  ATTESTD_TRY(const ByteView options, take_string(in, "the critical options"));
  if (!options.empty()) return fail(Errc::unsupported, "the certificate has critical options, which no host's has");
  ATTESTD_CHECK(take_string(in, "the extensions"));
  ATTESTD_CHECK(take_string(in, "the reserved field"));
  ATTESTD_TRY(const ByteView authority, take_string(in, "the authority's key"));
  out.authority = {std::string(ed25519), to_bytes(authority)};
  const ByteView body = ByteView(blob.blob).first(blob.blob.size() - in.remaining());
  ATTESTD_TRY(const ByteView signature, take_string(in, "the signature"));
  if (!in.empty()) return fail_at(Errc::malformed, in.offset(), "the certificate goes on after its signature");
  ATTESTD_CHECK(verify_signature(authority, body, signature));
  return out;
}

}  // namespace attestd
