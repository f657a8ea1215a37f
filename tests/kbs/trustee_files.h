// Trustee's published evidence, which is not part of the project: ATTESTD_TRUSTEE names a
// work tree of Trustee.
#pragma once

#include <optional>
#include <string>

namespace attestd::test {

// A file of that tree. Without ATTESTD_TRUSTEE: counts the case as skipped (a
// line at exit says how many) and returns nothing.
std::optional<std::string> trustee_file(const std::string& relative_path);

}  // namespace attestd::test
