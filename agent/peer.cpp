#include "agent/peer.h"

#include <grp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/file.h"

namespace attestd::agent {
namespace {

constexpr std::size_t cgroup_limit = std::size_t{64} * 1024;  // bytes
constexpr std::size_t groups_max = 65536;                     // NGROUPS_MAX of Linux
constexpr std::size_t unit_name_max = 255;                    // UNIT_NAME_MAX of systemd
constexpr std::array<std::string_view, 5> unit_suffixes = {".service", ".scope", ".socket", ".mount", ".swap"};

bool is_unit(std::string_view part) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
  return part.size() <= unit_name_max && part.find_first_not_of(allowed) == std::string_view::npos &&
         std::any_of(unit_suffixes.begin(), unit_suffixes.end(),
                     [&](std::string_view suffix) { return part.size() > suffix.size() && part.ends_with(suffix); });
}

std::optional<ucred> credentials_of(int fd) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
  return credentials;
}

std::optional<gid_t> id_of_group(const std::string& name) {
  std::array<char, std::size_t{16} * 1024> scratch{};
  group entry{};
  group* found = nullptr;
  if (::getgrnam_r(name.c_str(), &entry, scratch.data(), scratch.size(), &found) != 0 || found == nullptr) {
    return std::nullopt;
  }
  return entry.gr_gid;
}

}  // namespace

std::string unit_of_cgroup(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with("0::/")) continue;
    line.remove_prefix(4);
    while (!line.empty()) {
      const std::size_t slash = std::min(line.find('/'), line.size());
      std::string_view part = line.substr(0, slash);
      line.remove_prefix(std::min(slash + 1, line.size()));
      // systemd puts '_' before names that collide with the kernel's own files.
      if (part.starts_with('_')) part.remove_prefix(1);
      if (part.ends_with(".slice")) continue;
      return is_unit(part) ? std::string(part) : std::string();
    }
  }
  return {};
}

Result<StatementPeer> peer_of_socket(int fd) {
  const auto credentials = credentials_of(fd);
  if (!credentials) return fail_errno(errno, "cannot tell who is at the other end of the socket");
  StatementPeer peer{credentials->uid, credentials->gid, credentials->pid, {}};
  if (const auto cgroup = read_file("/proc/" + std::to_string(credentials->pid) + "/cgroup", cgroup_limit)) {
    peer.unit = unit_of_cgroup(as_text(*cgroup));
  }
  return peer;
}

bool peer_is_in_group(int fd, const std::string& group) {
  const auto credentials = credentials_of(fd);
  if (!credentials) return false;
  if (credentials->uid == 0) return true;
  const auto wanted = id_of_group(group);
  if (!wanted) return false;
  if (credentials->gid == *wanted) return true;
  std::vector<gid_t> groups(groups_max);
  auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) return false;
  groups.resize(size / sizeof(gid_t));
  return std::ranges::find(groups, *wanted) != groups.end();
}

}  // namespace attestd::agent
