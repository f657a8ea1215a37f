#include "client/exporter_access.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "base/file.h"
#include "base/text.h"

namespace attestd {
namespace {

constexpr std::size_t target_limit = 512;  // bytes
constexpr std::size_t name_limit = 128;    // bytes
constexpr std::string_view https = "https://";

bool is_name(std::string_view text) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return !text.empty() && text.size() <= name_limit && text.front() != '.' &&
         text.find_first_not_of(plain) == std::string_view::npos;
}

}  // namespace

void ExporterAccess::FreeExpression::operator()(regex_t* expression) const {
  ::regfree(expression);
  delete expression;
}

Result<ExporterAccess> ExporterAccess::make(std::string policy_folder, std::string targets_file,
                                            const std::string& allow) {
  struct stat status{};
  if (::stat(policy_folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return fail(Errc::usage, "--policy-dir " + policy_folder + " is no folder: name the one that has the policies");
  }
  ExporterAccess out(std::move(policy_folder), std::move(targets_file));
  // A file that cannot be read is told now, not at the first scrape.
  ATTESTD_CHECK(out.lists(""));
  if (allow.empty()) return out;
  auto expression = std::make_unique<regex_t>();
  const std::string whole = "^(" + allow + ")$";
  if (const int error = ::regcomp(expression.get(), whole.c_str(), REG_EXTENDED | REG_NOSUB); error != 0) {
    std::array<char, 256> text{};
    ::regerror(error, expression.get(), text.data(), text.size());
    return fail(Errc::usage, "--targets-allow is no extended regular expression: " + std::string(text.data()));
  }
  out.allow_.reset(expression.release());
  return out;
}

Result<bool> ExporterAccess::lists(std::string_view text) const {
  if (targets_file_.empty()) return false;
  auto bytes = read_file(targets_file_, default_file_limit);
  if (!bytes) return std::unexpected(std::move(bytes).error().in("--targets"));
  std::string_view rest = as_text(*bytes);
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::string_view target = trimmed(line);
    if (!target.empty() && target.front() != '#' && target == text) return true;
  }
  return false;
}

Result<Source> ExporterAccess::target(std::string_view text) const {
  if (text.empty() || text.size() > target_limit) {
    return fail(Errc::refused, "a target has 1 to " + std::to_string(target_limit) + " characters");
  }
  ATTESTD_TRY(const bool listed, lists(text));
  if (listed) return parse_source(text);
  if (!text.starts_with(https)) {
    return fail(Errc::refused, "only https targets, and those that the file of --targets lists, may be asked");
  }
  if (allow_ && ::regexec(allow_.get(), std::string(text).c_str(), 0, nullptr, 0) != 0) {
    return fail(Errc::refused, "the target is not among those of --targets-allow");
  }
  return parse_source(text);
}

Result<std::string> ExporterAccess::policy(std::string_view name) const {
  constexpr std::string_view suffix = ".toml";
  if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  if (!is_name(name)) {
    return fail(Errc::usage,
                "a policy is named by letters, digits, \"-\", \"_\" and \".\", as its file is without .toml");
  }
  std::string path = policy_folder_ + "/" + std::string(name) + std::string(suffix);
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return fail(Errc::not_found,
                "there is no policy " + std::string(name) + ": put it into the folder of --policy-dir");
  }
  return path;
}

}  // namespace attestd
