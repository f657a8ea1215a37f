// attestd-gateway: what main() runs.
#pragma once

#include <functional>
#include <vector>

#include "base/file.h"
#include "gateway/config.h"

namespace attestd::gateway {

// Reads the configuration again, on SIGHUP.
using Reload = std::function<Result<Config>()>;

// Serves what comes over `listeners`, sockets that listen, until a signal, and lets
// requests under way finish. Errors: those of the operator's certificate.
Result<void> serve(Config config, std::vector<UniqueFd> listeners, Reload reload);

}  // namespace attestd::gateway
