// For which names a host certificate may be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace attestd::broker {

// A name or address, or "*." and a domain: any name below it.
bool is_principal_pattern(std::string_view text);

// Those that are asked for, when each fits one of `allowed`; without any, the names among `allowed`.
// Errors, all refused: a name that fits none; nothing is asked for and only patterns are allowed.
Result<std::vector<std::string>> choose_principals(const std::vector<std::string>& allowed,
                                                   const std::vector<std::string>& asked);

}  // namespace attestd::broker
