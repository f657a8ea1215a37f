// What the service's parts share.
#pragma once

#include "base/result.h"

namespace attestd::broker {

// Of the store or of our own keys: who asks has done nothing wrong, and may ask again.
bool is_our_failure(const Error& error);

}  // namespace attestd::broker
