// Files that must be files: keys, certificates, lists that a service reads unattended. A FIFO that
// nobody writes to would hang it, and a device need not end.
#pragma once

#include "base/file.h"

namespace attestd {

// For reading; links are followed. Errors: refused (a FIFO, a device, a folder, a socket), and those of open(2).
Result<UniqueFd> open_regular_file(const std::string& path);
// Likewise as read_file().
Result<Bytes> read_regular_file(const std::string& path, std::size_t limit);

}  // namespace attestd
