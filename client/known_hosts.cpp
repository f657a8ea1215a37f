#include "client/known_hosts.h"

#include <algorithm>

namespace attestd {
namespace {

constexpr std::size_t name_limit = 255;  // RFC 1035 section 2.3.4; a scoped IPv6 address is shorter

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
         c == '_' || c == ':' || c == '%';
}

bool port(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<void> check_known_host(std::string_view host) {
  std::string_view name = host;
  bool good = true;
  if (host.starts_with('[')) {
    const auto close = host.find("]:");
    good = close != std::string_view::npos && port(host.substr(close + 2));
    name = good ? host.substr(1, close - 1) : std::string_view{};
  }
  good = good && !name.empty() && name.size() <= name_limit && name.front() != '-' &&
         std::all_of(name.begin(), name.end(), plain);
  if (good) return {};
  return fail(Errc::usage, "\"" + std::string(host.substr(0, name_limit)) +
                               "\" cannot be the host of a known_hosts line: give ssh's %H, one name or address");
}

std::string known_hosts_lines(std::string_view host, const std::vector<SshPublicKey>& keys) {
  std::string lines;
  for (const SshPublicKey& key : keys) lines += std::string(host) + " " + key.line() + "\n";
  return lines;
}

}  // namespace attestd
