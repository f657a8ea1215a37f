#include "agent/state.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <config.h>
#include "agent/statement_builder.h"
#include "base/encoding.h"
#include "evidence/json_strict.h"
#include "evidence/storage_json_internal.h"

namespace attestd::agent {
namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& lines) {
  json::array out;
  for (const std::string& line : lines) out.emplace_back(to_valid_utf8(line));
  return out;
}

std::string_view health_name(Health health) { return health_states.at(static_cast<std::size_t>(health)); }

json::object device_json(const DeviceState& device) {
  json::object out{{"state", health_name(device.health)}, {"where", to_valid_utf8(device.where)}};
  if (!device.reason.empty()) out["reason"] = to_valid_utf8(device.reason);
  if (!device.problem.empty()) out["problem"] = device.problem;
  return out;
}

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

}  // namespace

AgentState initial_state(const PlatformClaim& platform) {
  AgentState state;
  state.platform = platform;
  state.boot_id = read_boot_id();
  state.started_at =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  return state;
}

HealthReport health_of(const AgentState& state) {
  HealthReport report;
  if (state.hardware.health == Health::failed || state.hardware.health == Health::absent) {
    report.unhealthy.push_back("no hardware reports: " + state.hardware.reason);
  }
  if (state.tpm.health == Health::failed) report.unhealthy.push_back("no TPM quotes: " + state.tpm.reason);
  if (!state.files_problem.empty()) report.unhealthy.push_back(state.files_problem);
  report.warnings = state.host_keys.problems;
  if (!state.mapping_problem.empty()) {
    report.warnings.push_back("which ciphers volumes are under is not known: " + state.mapping_problem);
  }
  return report;
}

std::string status_json(const AgentState& state, const Config& config) {
  const HealthReport health = health_of(state);
  json::object hardware = device_json(state.hardware);
  if (!state.provider.empty()) hardware["provider"] = to_valid_utf8(state.provider);
  if (state.last_report) {
    hardware["last_report_age_ms"] = static_cast<std::int64_t>(seconds_since(*state.last_report) * 1000);
  }
  json::object tpm = device_json(state.tpm);
  if (!state.ak_name.empty()) tpm["ak_name"] = to_hex(state.ak_name);
  json::array keys;
  for (const HostKey& key : state.host_keys.keys) {
    keys.push_back(json::object{
        {"path", to_valid_utf8(key.path)}, {"type", key.key.type}, {"fingerprint", key.key.fingerprint()}});
  }
  return json::serialize(json::object{
      {"version", ATTESTD_VERSION},
      {"healthy", health.unhealthy.empty()},
      {"reasons", texts(health.unhealthy)},
      {"warnings", texts(health.warnings)},
      {"started_at", to_rfc3339(state.started_at)},
      {"boot_id", to_valid_utf8(state.boot_id)},
      {"platform", json::object{{"name", state.platform.name},
                                {"reasons", texts(state.platform.reasons)},
                                {"kernel", to_valid_utf8(state.platform.kernel)}}},
      {"hardware", std::move(hardware)},
      {"tpm", std::move(tpm)},
      {"ssh_host_keys", std::move(keys)},
      {"storage", state.storage ? storage_to_json(*state.storage) : json::value()},
      {"batching",
       json::object{
           {"enabled", config.batching.enabled}, {"max", config.batching.max}, {"waiting", state.askers_waiting}}},
  });
}

std::string health_json(const HealthReport& report) {
  return json::serialize(json::object{{"healthy", report.unhealthy.empty()},
                                      {"reasons", texts(report.unhealthy)},
                                      {"warnings", texts(report.warnings)}});
}

MetricsGauges gauges_of(const AgentState& state) {
  MetricsGauges gauges;
  gauges.hardware_up = state.hardware.health == Health::ok;
  if (state.tpm.health != Health::absent) gauges.tpm_up = state.tpm.health == Health::ok;
  if (state.last_report) gauges.seconds_since_report = seconds_since(*state.last_report);
  gauges.hardware_state = health_name(state.hardware.health);
  gauges.tpm_state = health_name(state.tpm.health);
  gauges.certificates = state.certificates;
  gauges.host_keys = state.host_keys.keys.size();
  gauges.host_key_problems = state.host_keys.problems.size();
  gauges.askers_waiting = state.askers_waiting;
  gauges.start_time = static_cast<double>(state.started_at);
  return gauges;
}

}  // namespace attestd::agent
