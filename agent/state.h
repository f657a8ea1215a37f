// What the agent knows of itself. Belongs to the event loop's thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "agent/host_keys.h"
#include "agent/metrics.h"
#include "evidence/statement.h"

namespace attestd::agent {

enum class Health { untried, ok, failed, absent };  // in the order of health_states

struct DeviceState {
  Health health = Health::untried;
  std::string where;
  std::string reason;   // when failed or absent
  std::string problem;  // name of the problem that askers get, when failed or absent
};

struct AgentState {
  DeviceState hardware;
  std::string provider;  // "sev_guest", after the first report
  std::optional<std::chrono::steady_clock::time_point> last_report;
  DeviceState tpm;
  Bytes ak_name;
  HostKeySet host_keys;
  std::string files_problem;                         // why host keys, volumes or provisioning are not read
  std::optional<std::vector<StorageClaim>> storage;  // as the last statement said
  std::string mapping_problem;                       // why it does not say what is in use on its devices
  PlatformClaim platform;
  std::string boot_id;
  std::int64_t started_at = 0;  // Unix seconds
  std::size_t askers_waiting = 0;
  CertificateExpiry certificates;  // of the last evidence
  Metrics metrics;
};

// Of a machine that was not asked anything yet.
AgentState initial_state(const PlatformClaim& platform);

// Why no evidence can be made, or unusable host keys; the first are `unhealthy`.
struct HealthReport {
  std::vector<std::string> unhealthy;
  std::vector<std::string> warnings;
};
HealthReport health_of(const AgentState& state);
// Body of GET /v1/status and GET /v1/health (docs/api.md).
std::string status_json(const AgentState& state, const Config& config);
std::string health_json(const HealthReport& report);
MetricsGauges gauges_of(const AgentState& state);

}  // namespace attestd::agent
