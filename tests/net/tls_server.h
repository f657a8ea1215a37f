// A TLS server on loopback that answers as a test tells it to, and certificates for it.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/openssl_internal.h"

namespace attestd::test {

struct TlsAnswer {
  std::string raw;                         // sent as it is
  std::chrono::milliseconds each_byte{0};  // after each byte that is sent
  bool goodbye = true;                     // a close_notify, then the end; else the connection is cut
  bool keep = false;                       // the next request comes on the same connection
};

// An authority that signs for servers, valid for a day around now.
class Authority {
 public:
  explicit Authority(const std::string& name);

  struct Leaf {
    openssl::Certificate certificate;
    openssl::Key key;
  };
  // `names`: "DNS:localhost,IP:127.0.0.1". Ends so many seconds from now.
  [[nodiscard]] Leaf leaf(const std::string& names, std::int64_t ends_in = 3600,
                          const std::string& subject = "server") const;
  [[nodiscard]] std::string pem() const;

 private:
  std::string name_;
  openssl::Key key_;
  openssl::Certificate certificate_;
};

struct TlsServerOptions {
  int newest = TLS1_3_VERSION;
  bool ipv6 = false;
};

// One thread a connection; `respond` is given a request as it came.
class TlsServer {
 public:
  TlsServer(const Authority::Leaf& leaf, std::function<TlsAnswer(const std::string&)> respond,
            TlsServerOptions options = {});
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer();

  [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const;
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] int requests() const;
  [[nodiscard]] int connections() const;  // of which a handshake succeeded
  void settle() const;                    // waits until no connection is open

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace attestd::test
