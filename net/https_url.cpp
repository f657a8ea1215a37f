#include "net/https_url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/text.h"

namespace attestd {
namespace {

constexpr std::uint16_t http_port = 80;
constexpr std::uint16_t https_port = 443;

// RFC 3986 section 3, with nothing decoded: what needs decoding is no host that we ask.
struct Parts {
  std::string_view scheme, authority, rest;  // rest: path, query and fragment
};
std::optional<Parts> split(std::string_view url) {
  const bool plain = std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7f; });
  const std::size_t colon = url.find("://");
  if (!plain || colon == std::string_view::npos) return std::nullopt;
  const std::string_view behind = url.substr(colon + 3);
  const std::size_t end = std::min(behind.find_first_of("/?#"), behind.size());
  return Parts{url.substr(0, colon), behind.substr(0, end), behind.substr(end)};
}

// "2001:db8::1", or "fe80::1%25eth0" (RFC 6874): the zone behind a "%" alone.
std::optional<std::string> bracketed(std::string_view text) {
  const std::size_t percent = text.find('%');
  const std::string address(text.substr(0, percent));
  in6_addr parsed{};
  if (::inet_pton(AF_INET6, address.c_str(), &parsed) != 1) return std::nullopt;
  if (percent == std::string_view::npos) return address;
  std::string_view zone = text.substr(percent + 1);
  if (zone.starts_with("25")) zone.remove_prefix(2);
  if (!is_host_name(zone)) return std::nullopt;
  return address + "%" + std::string(zone);
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size() || number == 0) return std::nullopt;
  return number;
}

// Nothing where there is no such host, or no such port.
std::optional<HttpsServerName> server_of(std::string_view authority, std::uint16_t default_port) {
  std::string_view behind;
  std::optional<std::string> host;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = bracketed(authority.substr(1, end - 1));
    behind = authority.substr(end + 1);
  } else {
    const std::string_view name = authority.substr(0, authority.find(':'));
    if (is_host_name(name)) host = std::string(name);
    behind = authority.substr(name.size());
  }
  if (!host) return std::nullopt;
  if (behind.empty() || behind == ":") return HttpsServerName{std::move(*host), default_port};
  const auto port = behind.front() == ':' ? port_of(behind.substr(1)) : std::nullopt;
  if (!port) return std::nullopt;
  return HttpsServerName{std::move(*host), *port};
}

std::unexpected<Error> wrong(const std::string& url, const std::string& why) {
  return fail(Errc::usage, "\"" + url + "\" " + why + ": write https://HOST or https://HOST:PORT");
}

}  // namespace

Result<HttpsServerName> parse_https_url(const std::string& url, std::uint16_t default_port) {
  const auto parts = split(url);
  if (!parts) return wrong(url, "is no URL");
  if (!equal_in_either_case(parts->scheme, "https")) {
    return wrong(url, "is not an https URL, and evidence has no other");
  }
  if (parts->authority.find('@') != std::string_view::npos) return wrong(url, "has a user");
  if (parts->rest.find('?') != std::string_view::npos) return wrong(url, "has a query");
  if (parts->rest.find('#') != std::string_view::npos) return wrong(url, "has a fragment");
  if (!parts->rest.empty() && parts->rest != "/") return wrong(url, "has a path");
  auto server = server_of(parts->authority, default_port);
  if (!server) return wrong(url, "has no host that can be asked, or no such port");
  return *std::move(server);
}

Result<HttpUrl> parse_http_url(const std::string& url) {
  const auto no = [&] { return fail(Errc::usage, "\"" + url + "\" is no http: or https: URL"); };
  const auto parts = split(url);
  if (!parts) return no();
  HttpUrl out;
  out.tls = equal_in_either_case(parts->scheme, "https");
  if (!out.tls && !equal_in_either_case(parts->scheme, "http")) return no();
  auto server = server_of(parts->authority, out.tls ? https_port : http_port);
  if (!server || parts->rest.find('#') != std::string_view::npos) return no();
  out.server = *std::move(server);
  out.authority = parts->authority;
  if (const auto zone = out.authority.find('%'); zone != std::string::npos) {
    out.authority.erase(zone, out.authority.find(']') - zone);
  }
  out.target = parts->rest;
  if (!out.target.starts_with('/')) out.target.insert(0, 1, '/');
  return out;
}

std::string https_url(const HttpsServerName& server) {
  std::string host = server.host;
  if (host.find(':') != std::string::npos) {
    if (const auto zone = host.find('%'); zone != std::string::npos) host.replace(zone, 1, "%25");  // RFC 6874
    host = "[" + host + "]";
  }
  return "https://" + host + ":" + std::to_string(server.port);
}

bool is_host_name(std::string_view text) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return !text.empty() && text.front() != '-' && text.find_first_not_of(letters) == std::string_view::npos;
}

bool is_address(const std::string& host) {
  in6_addr address{};
  const std::string bare = host.substr(0, host.find('%'));
  return ::inet_pton(AF_INET, bare.c_str(), &address) == 1 || ::inet_pton(AF_INET6, bare.c_str(), &address) == 1;
}

}  // namespace attestd
