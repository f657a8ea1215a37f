// URLs of HTTP: "https://HOST[:PORT]", a server of ours, of which nothing but the address is chosen; and
// others, for who asks them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace attestd {

struct HttpsServerName {
  std::string host;  // name, IPv4 address, or IPv6 address without brackets (a zone after "%")
  std::uint16_t port = 0;
  bool operator==(const HttpsServerName&) const = default;
};

// Errors: usage (no such URL; one with a user, a path but "/", a query or a fragment).
Result<HttpsServerName> parse_https_url(const std::string& url, std::uint16_t default_port);
// "http://HOST[:PORT][/PATH][?QUERY]", or https: what is to be asked, and where.
struct HttpUrl {
  bool tls = false;
  HttpsServerName server;  // with the scheme's port where the URL has none
  std::string authority;   // as the URL has it, for the Host header (a zone is nobody else's, and left out)
  std::string target;      // begins with "/"
};
// Errors: usage (another scheme; a user, a fragment; a blank or a control character).
Result<HttpUrl> parse_http_url(const std::string& url);
std::string https_url(const HttpsServerName& server);  // "https://[::1]:28443"

// Letters of ASCII, digits, "-", "_" and ".", not with "-" in front: a name that a URL and a
// command line can have.
bool is_host_name(std::string_view text);
// Is it an IPv4 or IPv6 address rather than a name?
bool is_address(const std::string& host);

}  // namespace attestd
