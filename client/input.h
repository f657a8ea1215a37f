// Files that the user names.
#pragma once

#include <string>

#include "base/bytes.h"

namespace attestd {

// A regular file's bytes, or standard input's for "-". Whatever else is there may make a reader
// wait for ever, so it is refused (usage) unless the name says that a descriptor is meant:
// /dev/stdin, /dev/fd/N, /proc/self/fd/N. Other errors: those of read_file().
Result<Bytes> read_input(const std::string& path, std::size_t limit);

}  // namespace attestd
