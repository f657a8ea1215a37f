// A TLS 1.3 connection, as both of its ends can name it and nobody else.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

using SSL = struct ssl_st;
using X509 = struct x509_st;

namespace attestd::net {

struct TlsChannel {
  Bytes spki_sha256;  // of the server's DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), 32 bytes
  Bytes exporter;     // tls-exporter, RFC 9266 section 2, 32 bytes
};

// Of a connection whose handshake is done; `server` is the server's certificate.
// Errors: unsupported (not TLS 1.3), crypto.
Result<TlsChannel> tls_channel(SSL* connection, const X509* server);

}  // namespace attestd::net
