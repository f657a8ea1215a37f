// Genuine evidence, which is not part of the project: ATTESTD_VECTORS, by
// default ../shared/vectors beside the source tree.
#pragma once

#include <string>

#include "base/bytes.h"

namespace attestd::test {

// The folder, or empty when it is absent.
std::string vectors_folder();
// The file's bytes. Where the folder is absent: prints and counts the case as
// skipped (a line at exit says how many) and returns nothing.
std::optional<Bytes> vector_file(const std::string& relative_path);

}  // namespace attestd::test
