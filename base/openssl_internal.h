// OpenSSL's handles as types that free themselves. For .cpp files only.
#pragma once

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace attestd::openssl {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};
template <class T, auto Free>
using Handle = std::unique_ptr<T, Deleter<Free>>;

using Certificate = Handle<X509, X509_free>;
using Crl = Handle<X509_CRL, X509_CRL_free>;
using Key = Handle<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = Handle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using DigestContext = Handle<EVP_MD_CTX, EVP_MD_CTX_free>;
using Signature = Handle<ECDSA_SIG, ECDSA_SIG_free>;
using Number = Handle<BIGNUM, BN_free>;
using Stream = Handle<BIO, BIO_free_all>;
using Object = Handle<ASN1_OBJECT, ASN1_OBJECT_free>;
using OctetString = Handle<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;
using Integer = Handle<ASN1_INTEGER, ASN1_INTEGER_free>;
using Time = Handle<ASN1_TIME, ASN1_TIME_free>;
using Extension = Handle<X509_EXTENSION, X509_EXTENSION_free>;
using Revoked = Handle<X509_REVOKED, X509_REVOKED_free>;

// Bytes as OpenSSL wants them, and back.
inline const unsigned char* data(ByteView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
inline unsigned char* writable(std::span<std::byte> bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }
inline ByteView view(const unsigned char* bytes, std::size_t count) {
  return {reinterpret_cast<const std::byte*>(bytes), count};
}

// An Errc::crypto error: what we attempted and OpenSSL's reason. Empties
// OpenSSL's error queue.
inline std::unexpected<Error> failure(std::string attempt) {
  const unsigned long code = ERR_peek_last_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  if (reason != nullptr) attempt.append(": ").append(reason);
  return fail(Errc::crypto, std::move(attempt));
}

// The DER encoding by one of the i2d_ functions; empty when it fails.
template <class T>
Bytes to_der(int (*encode)(const T*, unsigned char**), const T* object) {
  const int size = encode(object, nullptr);
  if (size <= 0) return {};
  Bytes out(static_cast<std::size_t>(size));
  unsigned char* cursor = writable(out);
  if (encode(object, &cursor) != size) return {};
  return out;
}

}  // namespace attestd::openssl
