// A directory that closes itself. For .cpp files only.
#pragma once

#include <dirent.h>

#include <memory>

namespace attestd::hwio {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using DirectoryStream = std::unique_ptr<DIR, CloseDirectory>;

}  // namespace attestd::hwio
