#include "sim/agent_host.h"

#include <cstdio>
#include <exception>
#include <thread>
#include <utility>

#include "agent/agent.h"
#include "daemon/service_manager.h"

namespace attestd::sim {
namespace {

class ThreadedAgent final : public AgentHost {
 public:
  ThreadedAgent(agent::Config config, agent::Devices devices, UniqueFd listener)
      : agent_(std::move(config), std::move(devices), std::move(listener)), thread_([this] { serve(); }) {}
  ThreadedAgent(const ThreadedAgent&) = delete;
  ThreadedAgent& operator=(const ThreadedAgent&) = delete;
  ~ThreadedAgent() override {
    agent_.stop();
    thread_.join();
  }

 private:
  void serve() noexcept {
    try {
      agent_.run();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "attestd-sim: the agent ended: %s\n", error.what());
    }
  }

  agent::Agent agent_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<AgentHost>> AgentHost::start(const std::string& config_path,
                                                    std::unique_ptr<hwio::ReportDevice> report) {
  ATTESTD_TRY(agent::Config config, agent::load_config(config_path));
  agent::Devices devices = agent::system_devices(config);
  if (report) {
    devices.report = std::move(report);
    devices.open_report = nullptr;
  }
  ATTESTD_TRY(UniqueFd listener, daemon::listen_at(config.api.socket));
  return std::make_unique<ThreadedAgent>(std::move(config), std::move(devices), std::move(listener));
}

}  // namespace attestd::sim
