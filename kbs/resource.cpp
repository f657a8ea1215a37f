// Names of secrets.
#include <algorithm>

#include "kbs/message.h"

namespace attestd::kbs {
namespace {

constexpr std::string_view prefix = "/kbs/v0/resource/";
constexpr std::size_t part_limit = 64;

bool is_letter_or_digit(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_part(std::string_view text) {
  return !text.empty() && text.size() <= part_limit && is_letter_or_digit(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> out;
  for (std::size_t slash = text.find('/'); slash != std::string_view::npos; slash = text.find('/')) {
    out.push_back(text.substr(0, slash));
    text.remove_prefix(slash + 1);
  }
  out.push_back(text);
  return out;
}

}  // namespace

Result<ResourceId> parse_resource_path(std::string_view path) {
  const auto refuse = [] { return fail(Errc::malformed, "the path is not /kbs/v0/resource/REPOSITORY/TYPE/TAG"); };
  // Longer than any name that fits: not worth taking apart.
  if (!path.starts_with(prefix) || path.size() > prefix.size() + 3 * (part_limit + 1)) return refuse();
  std::vector<std::string_view> parts = split(path.substr(prefix.size()));
  if (parts.size() == 2) parts.insert(parts.begin(), default_repository);
  if (parts.size() == 3 && parts.front().empty()) parts.front() = default_repository;
  if (parts.size() != 3 || !std::ranges::all_of(parts, is_part)) return refuse();
  return ResourceId{std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
}

std::string resource_path(const ResourceId& resource) {
  return std::string(prefix) + resource.repository + "/" + resource.type + "/" + resource.tag;
}

}  // namespace attestd::kbs
