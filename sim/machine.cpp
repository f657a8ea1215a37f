#include "sim/machine.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/file.h"
#include "evidence/digest.h"
#include "sim/platform.h"
#include "sim/software_tpm.h"
#include "sim/state_files.h"
#include "sim/tsm_fuse.h"

namespace attestd::sim {
namespace {

constexpr unsigned log_mode = 0644;

Result<void> make_folder(const std::string& path, mode_t mode) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (error) return fail_errno(error.value(), "cannot create the folder above " + path);
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return fail_errno(errno, "cannot create " + path);
  return {};
}

// Held as long as its descriptor is open, and given up when the process dies.
Result<UniqueFd> lock_state(const StatePaths& paths) {
  UniqueFd lock(::open(paths.lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return fail_errno(errno, "cannot open " + paths.lock);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return fail(Errc::refused, "another attestd-sim uses " + paths.state);
    return fail_errno(errno, "cannot lock " + paths.state);
  }
  return lock;
}

Result<StatePaths> open_state(const MachineOptions& options) {
  std::error_code error;
  const std::string state = std::filesystem::absolute(options.state, error).lexically_normal().string();
  if (error || options.state.empty()) return fail(Errc::usage, "the state folder has no usable path");
  ATTESTD_CHECK(make_folder(state, 0700));
  return StatePaths(state.ends_with('/') ? state.substr(0, state.size() - 1) : state);
}

class RunningMachine final : public Machine {
 public:
  RunningMachine(MachineOptions options, StatePaths paths, UniqueFd lock, std::unique_ptr<PlatformModel> platform)
      : options_(std::move(options)), paths_(std::move(paths)), lock_(std::move(lock)), platform_(std::move(platform)) {
    if (TsmProvider* const provider = platform_->tsm()) tree_ = std::make_unique<TsmModel>(*provider);
  }

  Result<void> bring_up(const Progress& progress) {
    if (options_.tsm && tree_) {
      ATTESTD_CHECK(make_folder(paths_.tsm, 0755));
      ATTESTD_TRY(mount_, TsmMount::mount(*tree_, paths_.tsm));
      progress("configfs-tsm: " + paths_.tsm);
    }
    ATTESTD_CHECK(platform_->start_services(progress));
    if (options_.tpm) {
      ATTESTD_CHECK(start_tpm());
      progress("TPM: " + tpm_->tcti());
      progress("measured boot: " + paths_.firmware_log + ", " + paths_.userspace_log);
    }
    return {};
  }

  Result<void> announce(const Progress& progress) override {
    ATTESTD_CHECK(write_environment(paths_, options_, *platform_, mount_ != nullptr));
    progress("configuration: " + paths_.agent_config);
    return {};
  }

  Result<std::string> control(const std::string& line) override {
    const std::size_t space = line.find(' ');
    const std::string verb = line.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (verb == "tpm") return control_tpm(rest.substr(0, rest.find(' ')));
    if (verb == "status") {
      return platform_->status() + "; TPM " + (tpm_ && tpm_->running() ? "runs" : "stopped");
    }
    return platform_->control(tree_.get(), verb, rest);
  }

  std::unique_ptr<hwio::ReportDevice> report_device() override { return platform_->report_device(tree_.get()); }

  bool healthy() override { return !tpm_ || tpm_->running(); }

 private:
  // A TPM that starts has been reset: the machine boots, and measures, again.
  Result<void> start_tpm() {
    const MeasuredBoot boot = measure_boot(options_.boot);
    ATTESTD_CHECK(make_folder(std::filesystem::path(paths_.firmware_log).parent_path().string(), 0755));
    ATTESTD_CHECK(replace_file(paths_.firmware_log, boot.firmware_log, log_mode));
    ATTESTD_CHECK(replace_file(paths_.userspace_log, boot.userspace_log, log_mode));
    const bool ephemeral = platform_->ephemeral_tpm();
    if (ephemeral) ATTESTD_CHECK(forget_tpm());
    ATTESTD_TRY(auto tpm, SoftwareTpm::start(paths_.tpm, !ephemeral));
    ATTESTD_CHECK(extend_pcrs(tpm->tcti(), boot.extensions));
    ATTESTD_CHECK(platform_->provision_tpm(tpm->tcti(), boot));
    tpm_ = std::move(tpm);
    return {};
  }

  Result<void> forget_tpm() {
    std::error_code error;
    std::filesystem::remove_all(paths_.tpm, error);
    if (error) return fail_errno(error.value(), "cannot remove " + paths_.tpm);
    return {};
  }

  Result<std::string> control_tpm(const std::string& what) {
    if (!options_.tpm) return fail(Errc::usage, "this machine has no TPM");
    if (what == "stop") {
      tpm_.reset();
      return std::string("the TPM is gone");
    }
    if (what == "swap") {
      tpm_.reset();
      ATTESTD_CHECK(forget_tpm());
      ATTESTD_CHECK(start_tpm());
      return std::string("another TPM, with other keys, runs and has measured the boot");
    }
    if (what != "start") return fail(Errc::usage, "tpm takes start, stop or swap");
    if (tpm_ && tpm_->running()) return std::string("the TPM runs already");
    tpm_.reset();
    ATTESTD_CHECK(start_tpm());
    return std::string("the TPM runs and has measured the boot");
  }

  MachineOptions options_;
  StatePaths paths_;
  UniqueFd lock_;
  std::unique_ptr<PlatformModel> platform_;
  std::unique_ptr<TsmModel> tree_;  // null where guests have no configfs-tsm
  std::unique_ptr<SoftwareTpm> tpm_;
  std::unique_ptr<TsmMount> mount_;
};

}  // namespace

FixedBytes<48> simulated_measurement() {
  const Bytes value = digest(HashAlgorithm::sha384, {as_bytes("attestd-sim launch digest")});
  FixedBytes<48> out{};
  std::copy_n(value.begin(), out.size(), out.begin());
  return out;
}

std::string control_path(const std::string& state) { return state + "/control.sock"; }

std::string agent_config_path(const std::string& state) { return StatePaths(state).agent_config; }

Result<void> mint(const MachineOptions& options, const Progress& progress) {
  ATTESTD_TRY(const StatePaths paths, open_state(options));
  ATTESTD_TRY(const UniqueFd lock, lock_state(paths));
  ATTESTD_CHECK(make_platform(options, paths, progress));
  return {};
}

Result<std::unique_ptr<Machine>> Machine::start(const MachineOptions& options, const Progress& progress) {
  ATTESTD_TRY(StatePaths paths, open_state(options));
  ATTESTD_TRY(UniqueFd lock, lock_state(paths));
  // Of an earlier run: who waits for it must not find it before we are ready.
  ::unlink(paths.agent_config.c_str());
  ATTESTD_TRY(auto platform, make_platform(options, paths, progress));
  auto machine = std::make_unique<RunningMachine>(options, std::move(paths), std::move(lock), std::move(platform));
  ATTESTD_CHECK(machine->bring_up(progress));
  return machine;
}

}  // namespace attestd::sim
