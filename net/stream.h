// Bytes to and from a peer on a connection, plain or by TLS 1.3, each wait with a deadline. Blocks.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/dial.h"

namespace attestd::net {

class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  // All of it. Errors: timed_out, unavailable (the peer is gone).
  virtual Result<void> write(std::string_view bytes, Deadline deadline) = 0;
  // Some bytes; zero: the peer has said that there are no more. Errors: timed_out, unavailable (also a
  // TLS connection that ends without the close_notify of RFC 8446 section 6.1, as one that was cut does).
  virtual Result<std::size_t> read(std::span<char> into, Deadline deadline) = 0;
  // Nothing has come that nobody asked for, as an end would be.
  [[nodiscard]] virtual bool quiet() const = 0;
};

// On a socket that does not block.
std::unique_ptr<Stream> plain_stream(UniqueFd fd);

// The handshake, as a client: TLS 1.3 alone, the server's certificate under the roots of `ca_file` (PEM;
// nothing else is believed) and for `host` by its subjectAltName, a name or an address.
// Errors: refused (the certificate is not such), unsupported (the server knows no TLS 1.3), usage (the
// file has no certificate, or cannot be read), timed_out, unavailable, internal.
Result<std::unique_ptr<Stream>> tls_stream(UniqueFd fd, const std::string& host, const std::string& ca_file,
                                           Deadline deadline);

}  // namespace attestd::net
