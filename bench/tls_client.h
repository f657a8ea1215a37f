// HTTP/1.1 over one TLS connection, kept open; for load generators: no limits, one server, no certificate checked.
#pragma once

#include <openssl/ssl.h>

#include <charconv>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/openssl_internal.h"

namespace attestd::bench {

class TlsClient {
 public:
  struct Answer {
    int status = 0;
    std::string cookie;  // "NAME=VALUE" of Set-Cookie
    std::string body;
  };

  // "127.0.0.1:28444"
  TlsClient(SSL_CTX* context, const std::string& server) : bio_(BIO_new_ssl_connect(context)) {
    BIO_set_conn_hostname(bio_.get(), server.c_str());
    if (BIO_do_connect(bio_.get()) != 1) throw std::runtime_error("cannot connect to " + server);
  }

  Answer ask(std::string_view method, std::string_view path, std::string_view cookie, std::string_view body) {
    std::string request = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: broker\r\n";
    if (!cookie.empty()) request += "Cookie: " + std::string(cookie) + "\r\n";
    request += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
    for (std::string_view left = request; !left.empty();) {
      const int count = BIO_write(bio_.get(), left.data(), static_cast<int>(left.size()));
      if (count <= 0) throw std::runtime_error("the server went away");
      left.remove_prefix(static_cast<std::size_t>(count));
    }
    return answer();
  }

 private:
  void read_more(std::string& into) {
    char chunk[16384];
    const int count = BIO_read(bio_.get(), chunk, sizeof chunk);
    if (count <= 0) throw std::runtime_error("the server went away");
    into.append(chunk, static_cast<std::size_t>(count));
  }

  static std::string_view field(std::string_view head, std::string_view name) {
    const std::size_t at = head.find(name);
    if (at == std::string_view::npos) return {};
    const std::size_t from = at + name.size();
    return head.substr(from, head.find_first_of("\r;", from) - from);
  }

  Answer answer() {
    std::string text;
    std::size_t end = 0;
    while ((end = text.find("\r\n\r\n")) == std::string::npos) read_more(text);
    const std::string_view head = std::string_view(text).substr(0, end);
    Answer out;
    std::from_chars(head.data() + 9, head.data() + 12, out.status);
    out.cookie = field(head, "Set-Cookie: ");
    std::size_t length = 0;
    const std::string_view digits = field(head, "Content-Length: ");
    std::from_chars(digits.data(), digits.data() + digits.size(), length);
    while (text.size() < end + 4 + length) read_more(text);
    out.body = text.substr(end + 4, length);
    return out;
  }

  openssl::Handle<BIO, BIO_free_all> bio_;
};

}  // namespace attestd::bench
