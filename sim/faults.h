// The switches of `attestd-sim fault NAME [ARGUMENT]`.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "sim/psp.h"
#include "sim/tsm_model.h"

namespace attestd::sim {

struct FaultHelp {
  std::string_view name;
  std::string_view argument;  // empty when it takes none; in brackets when optional
  std::string_view text;
};
std::span<const FaultHelp> fault_help();

// What it did, as a sentence. Without a tree there are no faults of the tree.
// Errors: usage, for names and arguments that are not.
Result<std::string> apply_fault(Psp& psp, TsmModel* tree, std::string_view name, std::string_view argument);

}  // namespace attestd::sim
