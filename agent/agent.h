// attestd as a value: main() runs one, attestd-sim and tests run one in process.
#pragma once

#include <functional>
#include <memory>

#include "agent/config.h"
#include "agent/devices.h"
#include "base/file.h"

namespace attestd::agent {

struct AgentHooks {
  std::function<void()> ready;             // when it answers on its socket
  std::function<Result<Config>()> reload;  // on SIGHUP; nothing: the same configuration again
  bool signals = false;                    // take SIGTERM, SIGINT and SIGHUP
  bool service = false;                    // tell the service manager: READY, STATUS, watchdog
};

class Agent {
 public:
  // `listener` listens on an AF_UNIX stream socket.
  Agent(Config config, Devices devices, UniqueFd listener, AgentHooks hooks = {});
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Serves until stop() or a signal, and lets requests under way finish.
  void run();
  // From any thread.
  void stop();

 private:
  struct Inner;
  std::unique_ptr<Inner> inner_;
};

// Listens at config.api.socket and serves until a signal.
Result<void> run_agent(Config config, Devices devices, AgentHooks hooks = {});

}  // namespace attestd::agent
