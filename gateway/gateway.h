// attestd-gateway as a value: main() runs one, tests run one in process.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/file.h"
#include "gateway/config.h"

namespace attestd::gateway {

struct Hooks {
  std::function<Result<Config>()> reload;  // on SIGHUP
  bool service = false;                    // signals, and the service manager
};

// Serves what comes over `listeners`, sockets that listen, until a signal, and lets
// requests under way finish. Errors: those of the operator's certificate.
Result<void> serve(Config config, std::vector<UniqueFd> listeners, Hooks hooks);

// Those that `places` name: "ADDRESS:PORT" or "vsock::PORT". Errors: those of
// listen_tcp(), usage.
Result<std::vector<UniqueFd>> listen_at(const std::vector<std::string>& places);

}  // namespace attestd::gateway
