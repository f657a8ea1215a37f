#include "client/hosts.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/environment.h"
#include "base/file.h"
#include "verifier/toml_internal.h"

namespace attestd {
namespace {

constexpr std::string_view system_file = "/etc/attestd/hosts.toml";
constexpr std::size_t file_limit = std::size_t{1} << 20U;  // bytes
constexpr std::size_t entry_limit = 4096;

Result<std::string> path_of(TomlSection& section, std::string_view key, const std::string& folder) {
  ATTESTD_TRY(const auto path, section.string(key));
  if (!path) return std::string();
  if (path->empty()) return toml_error(*section.find(key), Errc::malformed, section.place(key) + " is empty");
  return path->front() == '/' ? *path : folder + "/" + *path;
}

std::unexpected<Error> others_may_write(const std::string& path) {
  return fail(Errc::permission, "others than root and you may write " + path +
                                    ", which decides whom you believe: it must be yours or root's, and chmod go-w");
}

// What a file of hosts names may be as dangerous as the file itself.
Result<void> require_own_file(const std::string& path) {
  if (path.empty()) return {};
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return fail_errno(errno, "cannot read " + path);
  if (!only_we_may_write(status)) return others_may_write(path);
  return {};
}

Result<Bytes> read_own_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail_errno(errno, "cannot read " + path);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno(errno, "cannot read " + path);
  if (!S_ISREG(status.st_mode)) return fail(Errc::usage, path + " is not a file");
  if (!only_we_may_write(status)) return others_may_write(path);
  return read_fd(fd.get(), path, file_limit);
}

bool fits(const HostEntry& entry, const std::string& host) {
  return std::ranges::any_of(entry.names, [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), host.c_str(), FNM_CASEFOLD | FNM_NOESCAPE) == 0;
  });
}

}  // namespace

Result<std::vector<HostEntry>> parse_hosts(std::string_view toml, const std::string& folder) {
  ATTESTD_TRY(const toml::table table, parse_toml(toml));
  TomlSection document(table, "");
  ATTESTD_TRY(auto sections, document.sections("host"));
  ATTESTD_CHECK(document.finish());
  if (sections.size() > entry_limit) {
    return fail(Errc::out_of_range, "there are more than " + std::to_string(entry_limit) + " hosts");
  }
  std::vector<HostEntry> out;
  for (TomlSection& section : sections) {
    HostEntry entry;
    ATTESTD_TRY(auto names, section.strings("names"));
    if (!names) return toml_error(section.table(), Errc::malformed, section.place("names") + " is missing");
    entry.names = *std::move(names);
    ATTESTD_TRY(const auto from, section.string("from"));
    entry.from = from.value_or("");
    ATTESTD_TRY(entry.policy, path_of(section, "policy", folder));
    ATTESTD_TRY(entry.ca_file, path_of(section, "ca-file", folder));
    ATTESTD_CHECK(section.finish());
    out.push_back(std::move(entry));
  }
  return out;
}

Result<std::optional<HostEntry>> find_host_entry(const std::vector<std::string>& files, const std::string& host) {
  for (const std::string& path : files) {
    const auto text = read_own_file(path);
    if (!text) {
      if (text.error().code == Errc::not_found) continue;
      return std::unexpected(text.error());
    }
    const std::size_t slash = path.rfind('/');
    auto entries = parse_hosts(as_text(*text), slash == std::string::npos ? "." : path.substr(0, slash));
    if (!entries) return std::unexpected(std::move(entries).error().in(path));
    for (HostEntry& entry : *entries) {
      if (!fits(entry, host)) continue;
      ATTESTD_CHECK(require_own_file(entry.policy));
      ATTESTD_CHECK(require_own_file(entry.ca_file));
      return std::optional(std::move(entry));
    }
  }
  return std::nullopt;
}

std::vector<std::string> default_host_files() {
  std::vector<std::string> out;
  if (const std::string xdg = folder_variable("XDG_CONFIG_HOME"); !xdg.empty()) {
    out.push_back(xdg + "/attestd/hosts.toml");
  } else if (const std::string home = folder_variable("HOME"); !home.empty()) {
    out.push_back(home + "/.config/attestd/hosts.toml");
  }
  out.emplace_back(system_file);
  return out;
}

}  // namespace attestd
