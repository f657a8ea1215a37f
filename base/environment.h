// What the user's environment says of folders.
#pragma once

#include <string>

namespace attestd {

// The variable's value where it is an absolute path, else empty: a relative one is to be ignored
// (XDG Base Directory Specification, "Environment variables").
std::string folder_variable(const char* name);

}  // namespace attestd
