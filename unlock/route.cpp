#include "unlock/route.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "base/text.h"
#include "unlock/settings.h"

namespace attestd::unlock {
namespace {

constexpr unsigned long route_up = 0x0001;                  // RTF_UP, linux/route.h
constexpr unsigned long route_rejects = 0x0200;             // RTF_REJECT
constexpr std::size_t table_limit = std::size_t{1} << 20U;  // bytes

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> out;
  while (!(line = trimmed(line)).empty()) {
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    out.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return out;
}

template <class Test>
bool some_line(std::string_view text, const Test& test) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (test(words_of(text.substr(0, end)))) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

bool leads(std::string_view hex_flags, std::string_view interface) {
  unsigned long flags = 0;
  const auto [end, code] = std::from_chars(hex_flags.data(), hex_flags.data() + hex_flags.size(), flags, 16);
  return code == std::errc() && end == hex_flags.data() + hex_flags.size() && (flags & route_up) != 0 &&
         (flags & route_rejects) == 0 && interface != "lo";
}

// RFC 3927: 169.254/16. The kernel prints an address as a number of this machine's, "0000FEA9" on x86.
bool is_link_local(std::string_view hex_address) {
  std::uint32_t address = 0;
  const auto [end, code] = std::from_chars(hex_address.data(), hex_address.data() + hex_address.size(), address, 16);
  return code == std::errc() && end == hex_address.data() + hex_address.size() && ntohl(address) >> 16U == 0xa9fe;
}

}  // namespace

bool has_route(std::string_view ipv4, std::string_view ipv6) {
  // Interface, destination, gateway, flags, …
  const auto four = [](const auto& words) {
    return words.size() > 3 && leads(words[3], words[0]) && !is_link_local(words[1]);
  };
  // Destination, its length, source, its length, next hop, metric, references, uses, flags, interface.
  const auto six = [](const auto& words) {
    return words.size() == 10 && leads(words[8], words[9]) && !words[0].starts_with("fe80") &&
           !words[0].starts_with("ff");
  };
  return some_line(ipv4, four) || some_line(ipv6, six);
}

bool has_name_server(std::string_view resolv_conf) {
  return some_line(resolv_conf, [](const auto& words) { return words.size() > 1 && words[0] == "nameserver"; });
}

bool network_is_there(bool names) {
  return has_route(text_of("/proc/net/route", table_limit), text_of("/proc/net/ipv6_route", table_limit)) &&
         (!names || has_name_server(text_of("/etc/resolv.conf", table_limit)));
}

void sleep_or_network(std::chrono::milliseconds time, const std::function<bool()>& network,
                      const std::function<void(std::chrono::milliseconds)>& sleep) {
  constexpr std::chrono::milliseconds between{50};
  if (network()) return sleep(time);
  for (; time.count() > 0 && !network(); time -= between) sleep(std::min(between, time));
}

}  // namespace attestd::unlock
