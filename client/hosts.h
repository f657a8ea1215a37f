// hosts.toml: where the evidence of which host is, and what is expected of it. attestd-hosts.toml(5).
//
//   [[host]]                            the first that fits counts
//   names = ["*.example", "192.0.2.*"]  "*": any characters, "?": one; letters of either case
//   policy = "example.toml"             beside this file, or an absolute path
//   from = "https://%h:28443"           as --from; %h: the host's name
//   ca-file = "ca.pem"                  roots for its TLS certificate
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace attestd {

struct HostEntry {
  std::vector<std::string> names;
  std::string policy, from, ca_file;  // empty: not said
};

// `folder`: where relative paths begin. Errors: malformed (with line and column), out_of_range
// (more than 4096 entries, or an empty list).
Result<std::vector<HostEntry>> parse_hosts(std::string_view toml, const std::string& folder);

// What is said of `host` (no brackets, no port) in the first of these files that says anything. Files that are not
// there are passed over. Errors: permission (others than root and us may write the file, or the policy or roots that
// it names for the host), usage (no regular file), out_of_range (over 1 MiB), those of parse_hosts().
Result<std::optional<HostEntry>> find_host_entry(const std::vector<std::string>& files, const std::string& host);

// $XDG_CONFIG_HOME/attestd/hosts.toml (~/.config), then /etc/attestd/hosts.toml.
std::vector<std::string> default_host_files();

}  // namespace attestd
