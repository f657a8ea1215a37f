// attest-brokerd: what main() runs.
#pragma once

#include <functional>
#include <vector>

#include "base/file.h"
#include "broker/config.h"
#include "broker/store.h"

namespace attestd::broker {

// Reads the configuration again, on SIGHUP.
using Reload = std::function<Result<Config>()>;

// Serves what comes over `listeners`, sockets that listen, until a signal, and lets requests under
// way finish. Errors: those of the certificate and of the store.
Result<void> serve(const Config& config, Store& store, std::vector<UniqueFd> listeners, Reload reload);

// Why there is no broker without [tls].
std::unexpected<Error> no_certificate();
// The store that the configuration names, under its master key. Errors: those of Sealer and Store.
Result<std::unique_ptr<Store>> open_store(const Config& config);

}  // namespace attestd::broker
