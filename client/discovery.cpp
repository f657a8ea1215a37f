#include "client/discovery.h"

#include <unistd.h>

#include <cerrno>

#include "client/hosts.h"
#include "net/https_url.h"

namespace attestd {
namespace {

constexpr std::size_t servers_limit = 4;  // of SRV records, asked in turn

std::string with_host(std::string from, const std::string& host) {
  constexpr std::string_view token = "%h";
  for (std::size_t at = from.find(token); at != std::string::npos; at = from.find(token, at + host.size())) {
    from.replace(at, token.size(), host);
  }
  return from;
}

Result<void> find_by_dns(const std::string& host, const NameServer& dns, Whereabouts& into) {
  if (is_address(host)) return {};
  const std::string name = std::string(srv_service) + host;
  const auto records = lookup_srv(name, dns);
  if (!records) {
    into.found_by += " (" + records.error().text() + ")";
    return {};
  }
  std::vector<std::string> servers;
  for (const SrvRecord& record : *records) {
    if (record.target.empty() || record.port == 0 || servers.size() == servers_limit) continue;
    servers.push_back(record.target + ":" + std::to_string(record.port));
  }
  if (!records->empty() && servers.empty()) {
    return fail(Errc::not_found, "the SRV record " + name + " says that this host has no attestd-gateway");
  }
  if (servers.empty()) return {};
  into.source.servers = std::move(servers);
  into.found_by = "the SRV record " + name;
  return {};
}

}  // namespace

Result<Whereabouts> find_host(const std::string& name, const std::string& hosts, const NameServer& dns) {
  const std::string host = name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
  if (!is_host_name(host) && !is_address(host)) {
    return fail(Errc::usage, "\"" + name + "\" is neither a host's name nor an address");
  }
  if (!hosts.empty() && ::access(hosts.c_str(), F_OK) != 0) return fail_errno(errno, "cannot read " + hosts);
  ATTESTD_TRY(const auto entry,
              find_host_entry(hosts.empty() ? default_host_files() : std::vector<std::string>{hosts}, host));
  Whereabouts out;
  if (entry) {
    out.policy = entry->policy;
    out.ca_file = entry->ca_file;
  }
  if (entry && !entry->from.empty()) {
    // An IPv6 address has brackets in a URL.
    const bool bare = entry->from.starts_with("https:") && host.find(':') != std::string::npos;
    ATTESTD_TRY(out.source, parse_source(with_host(entry->from, bare ? "[" + host + "]" : host)));
    out.found_by = "hosts.toml";
    return out;
  }
  out.source = {Source::Kind::https, https_url({host, default_gateway_port})};
  out.found_by = "the default port " + std::to_string(default_gateway_port);
  ATTESTD_CHECK(find_by_dns(host, dns, out));
  return out;
}

Error unreached(Error error, const Whereabouts& where) {
  if (!where.found_by.empty()) {
    error.message += "; that address is from " + where.found_by + ": name another with --from, or in hosts.toml";
  }
  return error;
}

}  // namespace attestd
