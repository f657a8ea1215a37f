#include "broker/principals.h"

#include <algorithm>
#include <iterator>

#include "base/text.h"
#include "evidence/ssh_certificate.h"

namespace attestd::broker {
namespace {

constexpr std::string_view any_below = "*.";

bool is_pattern(std::string_view text) { return text.starts_with(any_below); }

bool fits(std::string_view pattern, std::string_view name) {
  if (!is_pattern(pattern)) return equal_in_either_case(pattern, name);
  const std::string_view domain = pattern.substr(1);  // ".example"
  if (name.size() <= domain.size() || !equal_in_either_case(name.substr(name.size() - domain.size()), domain))
    return false;
  const std::string_view labels = name.substr(0, name.size() - domain.size());
  return !labels.starts_with('.') && !labels.ends_with('.') && labels.find("..") == std::string_view::npos &&
         labels.find(':') == std::string_view::npos;
}

}  // namespace

bool is_principal_pattern(std::string_view text) {
  return is_ssh_principal(is_pattern(text) ? text.substr(any_below.size()) : text);
}

Result<std::vector<std::string>> choose_principals(const std::vector<std::string>& allowed,
                                                   const std::vector<std::string>& asked) {
  std::vector<std::string> out;
  if (asked.empty()) {
    std::ranges::copy_if(allowed, std::back_inserter(out), [](const std::string& name) { return !is_pattern(name); });
    if (out.empty())
      return fail(Errc::refused, "the rule has patterns only: say which names the certificate is to be for");
    return out;
  }
  for (const std::string& name : asked) {
    const bool good = is_ssh_principal(name) &&
                      std::ranges::any_of(allowed, [&](const std::string& pattern) { return fits(pattern, name); });
    if (!good) return fail(Errc::refused, "no rule allows the name " + name.substr(0, 253));
    if (std::ranges::find(out, name) == out.end()) out.push_back(name);
  }
  return out;
}

}  // namespace attestd::broker
