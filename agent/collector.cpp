#include <string.h>

#include <algorithm>

#include "agent/collector_internal.h"
#include "agent/report_kind.h"
#include "base/encoding.h"
#include "base/stopwatch.h"
#include "base/text.h"
#include "daemon/journal.h"
#include "evidence/digest.h"
#include "hwio/event_log_files.h"

namespace attestd::agent {
namespace asio = boost::asio;
using daemon::journal, daemon::Priority;
namespace events = daemon::events;
namespace {

constexpr unsigned log_attempts = 4;

// A log that is configured and not there is no error: what it would have shown is
// then not shown, and the verifier says so.
Result<Bytes> optional_log(const std::string& path, Result<Bytes> (*read)(const std::string&)) {
  if (path.empty()) return Bytes();
  auto bytes = read(path);
  if (!bytes && bytes.error().code == Errc::not_found) return Bytes();
  return bytes;
}

Result<QuoteParts> quote_with_logs(hwio::Tpm& tpm, const Config::EventLog& logs, const std::vector<TpmPart>& further,
                                   const MerkleHash& root) {
  const Stopwatch watch;
  QuoteParts out;
  Bundle& parts = out.parts;
  TpmEvidence& evidence = parts.tpm.emplace();
  const Bytes qualifying_data = quote_qualifying_data(root);
  ATTESTD_TRY(parts.firmware_event_log, optional_log(logs.firmware, hwio::read_firmware_event_log));
  ATTESTD_TRY(parts.userspace_event_log, optional_log(logs.userspace, hwio::read_userspace_event_log));
  for (unsigned attempt = 1;; ++attempt) {
    ATTESTD_TRY(hwio::TpmQuoteResult quote, tpm.quote(qualifying_data));
    // systemd measures while it starts services: the log must be that of the quote.
    ATTESTD_TRY(Bytes log_after, optional_log(logs.userspace, hwio::read_userspace_event_log));
    const bool same = log_after == parts.userspace_event_log;
    parts.userspace_event_log = std::move(log_after);
    if (!same && attempt < log_attempts) continue;
    evidence.quote = std::move(quote.quote);
    evidence.signature = std::move(quote.signature);
    for (auto& [bank, values] : quote.pcrs) {
      if (const auto algorithm = hash_from_id(bank)) evidence.pcrs[*algorithm] = std::move(values);
    }
    evidence.ak_public = std::move(quote.key.public_area);
    evidence.ak_certificate = std::move(quote.key.certificate);
    out.ak_name = std::move(quote.key.name);
    break;
  }
  for (const TpmPart& part : further) {
    auto done = part(tpm, root, parts);
    if (done) continue;
    out.refused = std::move(done).error();
    break;
  }
  out.seconds = watch.seconds();
  return out;
}

}  // namespace

// The report device, used on its thread only.
struct Collector::ReportSlot {
  std::unique_ptr<hwio::ReportDevice> device;
  std::function<Result<std::unique_ptr<hwio::ReportDevice>>()> open;
  std::vector<ReportPart> parts;
  std::string where = "the report device";  // the loop's

  Result<std::string> ready() {
    if (!device) {
      if (!open) return fail(Errc::not_found, "no device was given");
      ATTESTD_TRY(device, open());
    }
    return device->where();
  }
};

Collector::Collector(const asio::any_io_executor& executor, const std::shared_ptr<LoopMailbox>& mailbox,
                     const Config& config, Devices devices, AgentState& state)
    : state_(&state),
      timeout_(config.collection.timeout),
      event_log_(config.event_log),
      report_(std::make_shared<ReportSlot>()),
      tpm_(std::move(devices.tpm)),
      tpm_parts_(std::make_shared<const std::vector<TpmPart>>(std::move(devices.tpm_parts))),
      tpm_reports_(std::move(devices.tpm_reports)),
      // So that a hanging sshd costs its own keys, and not the whole answer.
      host_keys_(std::make_shared<HostKeys>(config.ssh, timeout_ / 2)),
      report_queue_("report-device", mailbox, executor, timeout_),
      tpm_queue_("tpm", mailbox, executor, timeout_),
      files_queue_("files", mailbox, executor, timeout_) {
  report_->device = std::move(devices.report);
  report_->open = std::move(devices.open_report);
  report_->parts = std::move(devices.report_parts);
  if (report_->device) report_->where = report_->device->where();
  state_->hardware.where = report_->where;
  if (tpm_) {
    state_->tpm.where = tpm_->where();
  } else {
    state_->tpm.health = Health::absent;
    state_->tpm.reason = devices.tpm_absent;
  }
  if (!tpm_reports_.empty()) {
    report_->where = state_->hardware.where = tpm_ ? tpm_->where() : "the TPM";
    if (!tpm_)
      hardware_is(
          Health::absent,
          Problem{problems::no_hardware, "hardware reports come out of the TPM, and " + devices.tpm_absent, {}});
  }
}

bool Collector::has_tpm() const { return tpm_ != nullptr; }

void Collector::reload(const Config& config) { host_keys_ = std::make_shared<HostKeys>(config.ssh, timeout_ / 2); }

asio::awaitable<void> Collector::warm_up() {
  std::shared_ptr<Pending<std::string>> open;
  if (tpm_reports_.empty()) {
    open = report_queue_.start<std::string>([slot = report_] { return slot->ready(); });
  }
  (void)co_await surroundings();
  if (tpm_) (void)co_await attestation_key_name();
  if (!open) co_return;
  const auto opened = co_await report_queue_.finish(std::move(open));
  if (opened) {
    report_->where = state_->hardware.where = *opened;
  } else {
    hardware_is(Health::absent, hardware_problem(opened.error(), report_->where));
  }
}

asio::awaitable<Result<Surroundings>> Collector::surroundings() {
  auto reading = files_queue_.start<Surroundings>(
      [keys = host_keys_]() -> Result<Surroundings> { return read_surroundings(*keys); });
  auto result = co_await files_queue_.finish(std::move(reading));
  if (!result) {
    state_->files_problem = "host keys, volumes and provisioning: " + result.error().text();
    co_return result;
  }
  state_->files_problem.clear();
  state_->storage = result->storage;
  if (result->mapping_problem != state_->mapping_problem && !result->mapping_problem.empty()) {
    journal(Priority::warning, events::mappings_unknown,
            "which ciphers volumes are under is not known: " + result->mapping_problem);
  }
  state_->mapping_problem = result->mapping_problem;
  if (!(result->host_keys == state_->host_keys)) {
    state_->host_keys = result->host_keys;
    const auto prints =
        std::views::transform(result->host_keys.keys, [](const HostKey& key) { return key.key.fingerprint(); });
    journal(
        Priority::notice, events::host_keys_changed,
        "statements now list " + std::to_string(result->host_keys.keys.size()) + " ssh host keys: " + joined(prints));
    for (const std::string& problem : result->host_keys.problems) {
      journal(Priority::warning, events::host_key_unusable, problem);
    }
  }
  co_return result;
}

asio::awaitable<Result<Bytes>> Collector::attestation_key_name() {
  auto asking = tpm_queue_.start<Bytes>([tpm = tpm_]() -> Result<Bytes> {
    ATTESTD_TRY(hwio::TpmAttestationKey key, tpm->attestation_key());
    return std::move(key.name);
  });
  auto result = co_await tpm_queue_.finish(std::move(asking));
  if (result) {
    state_->ak_name = *result;
    tpm_is(Health::ok, std::nullopt);
  } else {
    tpm_is(Health::failed, tpm_problem(result.error(), state_->tpm.where));
  }
  co_return result;
}

asio::awaitable<Result<Bytes>> Collector::activate(Activation activation) {
  auto asking = tpm_queue_.start<Bytes>([tpm = tpm_, activation = std::move(activation)]() -> Result<Bytes> {
    ATTESTD_TRY(Bytes secret, tpm->activate_credential(activation.credential_blob, activation.secret));
    Bytes hash = digest(HashAlgorithm::sha256, {secret});
    ::explicit_bzero(secret.data(), secret.size());
    return hash;
  });
  auto result = co_await tpm_queue_.finish(std::move(asking));
  if (!result) {
    journal(Priority::info, events::credential_refused, "a credential was not activated: " + result.error().text());
  }
  co_return result;
}

asio::awaitable<std::expected<Collector::Evidence, Problem>> Collector::collect(const MerkleHash& root) {
  std::shared_ptr<Pending<ReportParts>> reporting;
  if (tpm_reports_.empty()) {
    reporting = report_queue_.start<ReportParts>([slot = report_, root]() -> Result<ReportParts> {
      ATTESTD_CHECK(slot->ready());
      const Stopwatch watch;
      ReportParts out;
      ATTESTD_TRY(hwio::HardwareReport report, slot->device->report(root));
      out.provider = report.provider;
      ATTESTD_CHECK(put_report(std::move(report), root, out.parts));
      for (const ReportPart& part : slot->parts) ATTESTD_CHECK(part(root, out.parts));
      out.seconds = watch.seconds();
      return out;
    });
  } else if (!tpm_) {
    co_return std::unexpected(Problem{problems::no_hardware, state_->hardware.reason, {}});
  }
  std::shared_ptr<Pending<QuoteParts>> quoting;
  if (tpm_) {
    quoting = tpm_queue_.start<QuoteParts>([tpm = tpm_, parts = tpm_parts_, logs = event_log_, root] {
      return quote_with_logs(*tpm, logs, *parts, root);
    });
  }
  Evidence evidence;
  std::optional<Problem> problem;
  if (reporting) problem = co_await finish_report(std::move(reporting), evidence.parts);
  if (quoting) {
    auto result = co_await tpm_queue_.finish(std::move(quoting));
    if (result) {
      state_->metrics.quote_seconds.observe(result->seconds);
      state_->ak_name = result->ak_name;
      tpm_is(Health::ok, std::nullopt);
      if (result->refused) {
        auto refused = platform_problem(*result->refused);
        if (!tpm_reports_.empty()) hardware_is(Health::failed, refused);
        if (!problem) problem = std::move(refused);
      } else if (!tpm_reports_.empty()) {
        state_->provider = tpm_reports_;
        state_->last_report = std::chrono::steady_clock::now();
        hardware_is(Health::ok, std::nullopt);
      }
      evidence.ak_name = std::move(result->ak_name);
      take_parts(std::move(result->parts), evidence.parts);
    } else {
      auto lost = tpm_problem(result.error(), state_->tpm.where);
      tpm_is(Health::failed, lost);
      if (!tpm_reports_.empty()) hardware_is(Health::failed, lost);
      if (!problem) problem = std::move(lost);
    }
  }
  if (problem) co_return std::unexpected(*std::move(problem));
  state_->certificates = certificate_expiry(evidence.parts);
  co_return evidence;
}

asio::awaitable<std::optional<Problem>> Collector::finish_report(std::shared_ptr<Pending<ReportParts>> reporting,
                                                                 Bundle& into) {
  auto report = co_await report_queue_.finish(std::move(reporting));
  if (report) {
    state_->provider = report->provider;
    state_->last_report = std::chrono::steady_clock::now();
    state_->metrics.report_seconds.observe(report->seconds);
    hardware_is(Health::ok, std::nullopt);
    take_parts(std::move(report->parts), into);
    co_return std::nullopt;
  }
  auto problem = hardware_problem(report.error(), state_->hardware.where);
  const bool absent = problem.kind.name == problems::no_hardware.name;
  hardware_is(absent ? Health::absent : Health::failed, problem);
  co_return problem;
}

void Collector::hardware_is(Health health, const std::optional<Problem>& problem) {
  DeviceState& device = state_->hardware;
  const bool was_down = device.health == Health::failed || device.health == Health::absent;
  const bool changed = device.health != health || (problem && device.problem != problem->kind.name);
  device.health = health;
  device.reason = problem ? problem->detail : std::string();
  device.problem = problem ? problem->kind.name : std::string_view();
  if (!changed) return;
  if (problem) {
    journal(Priority::error, events::hardware_lost, "no hardware reports: " + problem->detail,
            {{"ATTESTD_PROBLEM", device.problem}});
  } else if (was_down) {
    journal(Priority::notice, events::hardware_back, device.where + " makes reports again");
  }
}

void Collector::tpm_is(Health health, const std::optional<Problem>& problem) {
  DeviceState& device = state_->tpm;
  const Health before = std::exchange(device.health, health);
  device.reason = problem ? problem->detail : std::string();
  device.problem = problem ? problem->kind.name : std::string_view();
  if (before == health) return;
  if (problem) {
    journal(Priority::error, events::tpm_lost, "no TPM quotes: " + problem->detail,
            {{"ATTESTD_PROBLEM", device.problem}});
  } else if (before == Health::failed) {
    journal(Priority::notice, events::tpm_back, device.where + " answers again");
  }
}

}  // namespace attestd::agent
