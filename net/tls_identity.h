// What a server shows in TLS: a key and its certificate.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace boost::asio::ssl {
class context;
}

namespace attestd::net {

// id-pe-cmw, draft-ietf-rats-msg-wrap section 7: the extension's value is a CMW,
// here its JSON form, a UTF8String.
inline constexpr std::string_view cmw_extension_oid = "1.3.6.1.5.5.7.1.35";

class TlsIdentity {
 public:
  // A P-256 key that is in this process's memory only.
  static Result<TlsIdentity> make();
  // The operator's, PEM: `certificate` with its chain. Errors: not_found, permission,
  // malformed, mismatch (the key is not the certificate's).
  static Result<TlsIdentity> load(const std::string& certificate, const std::string& key);

  TlsIdentity(TlsIdentity&&) noexcept;
  TlsIdentity& operator=(TlsIdentity&&) noexcept;
  ~TlsIdentity();

  // SHA-256 of the DER SubjectPublicKeyInfo, 32 bytes.
  [[nodiscard]] Bytes spki_sha256() const;
  // Signs a certificate for a made key, valid from an hour before `now` (Unix seconds)
  // for `lifetime_s`, with `cmw` as its evidence when that is not empty. Error: crypto.
  Result<void> certify(std::int64_t now, std::int64_t lifetime_s, std::string_view cmw);
  // For TLS 1.3 with this key and certificate; a made key must have been certified. Errors: crypto,
  // and of the operator's files malformed and mismatch.
  [[nodiscard]] Result<std::shared_ptr<boost::asio::ssl::context>> context() const;

 private:
  struct Inner;
  explicit TlsIdentity(std::unique_ptr<Inner> inner);
  std::unique_ptr<Inner> inner_;
};

}  // namespace attestd::net
