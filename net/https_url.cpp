#include "net/https_url.h"

#include <arpa/inet.h>
#include <curl/curl.h>

#include <charconv>
#include <memory>
#include <optional>

namespace attestd {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

std::optional<std::string> part(const Url& url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url.get(), which, &text, 0) != CURLUE_OK) return std::nullopt;
  const std::unique_ptr<char, void (*)(void*)> owned(text, curl_free);
  return std::string(text);
}

std::unexpected<Error> wrong(const std::string& url, const std::string& why) {
  return fail(Errc::usage, "\"" + url + "\" " + why + ": write https://HOST or https://HOST:PORT");
}

}  // namespace

Result<HttpsServerName> parse_https_url(const std::string& url, std::uint16_t default_port) {
  const Url parsed(curl_url());
  if (!parsed) return fail(Errc::internal, "libcurl has no memory for a URL");
  if (const CURLUcode code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0); code != CURLUE_OK) {
    return wrong(url, std::string("is no URL (") + curl_url_strerror(code) + ")");
  }
  if (part(parsed, CURLUPART_SCHEME) != "https") return wrong(url, "is not an https URL, and evidence has no other");
  for (const auto& [which, name] :
       {std::pair{CURLUPART_USER, "a user"}, std::pair{CURLUPART_PASSWORD, "a password"},
        std::pair{CURLUPART_QUERY, "a query"}, std::pair{CURLUPART_FRAGMENT, "a fragment"}}) {
    if (part(parsed, which)) return wrong(url, std::string("has ") + name);
  }
  if (part(parsed, CURLUPART_PATH).value_or("/") != "/") return wrong(url, "has a path");
  std::string host = part(parsed, CURLUPART_HOST).value_or("");
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (const auto zone = part(parsed, CURLUPART_ZONEID)) host += "%" + *zone;
  } else if (!is_host_name(host)) {
    return wrong(url, "has no host that can be asked");
  }
  std::uint16_t number = default_port;
  if (const auto port = part(parsed, CURLUPART_PORT)) {
    std::from_chars(port->data(), port->data() + port->size(), number);  // libcurl has checked it
    if (number == 0) return wrong(url, "has the port 0");
  }
  return HttpsServerName{std::move(host), number};
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
