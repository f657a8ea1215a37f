#include "sim/machine.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/encoding.h"
#include "base/file.h"
#include "evidence/snp_certificates.h"
#include "sim/faults.h"
#include "sim/inprocess.h"
#include "sim/psp.h"
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

SnpSignerOptions signer_options(const MachineOptions& options) {
  SnpSignerOptions out;
  out.product = options.product;
  out.signing_key = options.vlek ? SnpSigningKey::vlek : SnpSigningKey::vcek;
  if (options.tcb) out.tcb = *options.tcb;
  if (options.product == SnpProduct::turin && !out.tcb.fmc) out.tcb.fmc = 0;
  // A chip of its own, the same at every start; Turin's identifier has 8 bytes.
  const Bytes name = digest(HashAlgorithm::sha512, {as_bytes("attestd-sim chip")});
  const std::size_t size = options.product == SnpProduct::turin ? 8 : out.chip_id.size();
  std::copy_n(name.begin(), size, out.chip_id.begin());
  return out;
}

Result<SnpSigner> load_or_mint(const StatePaths& paths, const MachineOptions& options, const Progress& progress) {
  const SnpSignerOptions wanted = signer_options(options);
  if (std::filesystem::exists(paths.keys + "/signer.conf")) {
    ATTESTD_TRY(const SnpSigner kept, SnpSigner::load(paths.keys));
    ATTESTD_TRY(SnpSigner signer, kept.reissue(wanted));
    progress("keys: kept those in " + paths.keys);
    return signer;
  }
  progress("keys: minting RSA-4096 and P-384 keys, which takes seconds");
  ATTESTD_TRY(SnpSigner signer, SnpSigner::mint(wanted));
  ATTESTD_CHECK(signer.save(paths.keys));
  return signer;
}

Result<SnpSigner> prepare_signer(const StatePaths& paths, const MachineOptions& options, const Progress& progress) {
  ATTESTD_TRY(SnpSigner signer, load_or_mint(paths, options, progress));
  ATTESTD_CHECK(write_certificates(paths, signer));
  progress("certificates: " + paths.certificates + ", root in " + paths.trust_root);
  return signer;
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

PspConfig psp_config(const MachineOptions& options, const SnpSigner& signer) {
  PspConfig config;
  config.report.policy.raw = options.guest_policy;
  config.report.measurement = options.measurement;
  config.report.host_data = options.host_data;
  config.report.platform_info = options.guest_policy >> 16U & 1U;  // SMT_EN, 56860 table 24
  const Bytes id = digest(HashAlgorithm::sha256, {as_bytes("attestd-sim report id")});
  std::copy_n(id.begin(), config.report.report_id.size(), config.report.report_id.begin());
  config.report.report_id_ma.fill(std::byte{0xff});  // no migration agent
  config.report.current_firmware = config.report.committed_firmware = {.build = 24, .minor = 55, .major = 1};
  config.certificates = encode_snp_certificate_table(signer.certificates());
  config.guest_vmpl = options.vmpl;
  return config;
}

class RunningMachine final : public Machine {
 public:
  RunningMachine(MachineOptions options, StatePaths paths, UniqueFd lock, SnpSigner signer)
      : options_(std::move(options)),
        paths_(std::move(paths)),
        lock_(std::move(lock)),
        signer_(std::move(signer)),
        psp_(psp_config(options_, signer_),
             [this](const SnpReport& report) -> Result<Bytes> {
               SnpReport copy = report;
               ATTESTD_CHECK(signer_.sign(copy));
               return encode_snp_report(copy);
             }),
        tree_(psp_) {}

  Result<void> bring_up(const Progress& progress) {
    if (options_.tsm) {
      ATTESTD_CHECK(make_folder(paths_.tsm, 0755));
      ATTESTD_TRY(mount_, TsmMount::mount(tree_, paths_.tsm));
      progress("configfs-tsm: " + paths_.tsm);
    }
    if (options_.tpm) {
      ATTESTD_CHECK(start_tpm());
      progress("TPM: " + tpm_->tcti());
      progress("measured boot: " + paths_.firmware_log + ", " + paths_.userspace_log);
    }
    return {};
  }

  Result<void> announce(const Progress& progress) override {
    ATTESTD_CHECK(write_environment(paths_, options_));
    progress("configuration: " + paths_.agent_config);
    return {};
  }

  Result<std::string> control(const std::string& line) override {
    const std::size_t space = line.find(' ');
    const std::string verb = line.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    const std::size_t second = rest.find(' ');
    const std::string first_word = rest.substr(0, second);
    const std::string second_word = second == std::string::npos ? "" : rest.substr(second + 1);
    if (verb == "fault") return apply_fault(psp_, tree_, first_word, second_word);
    if (verb == "tpm") return control_tpm(first_word);
    if (verb == "report") return report(first_word, second_word);
    if (verb == "status") {
      return std::to_string(psp_.reports()) + " reports signed; TPM " + (tpm_ && tpm_->running() ? "runs" : "stopped");
    }
    return fail(Errc::usage, "no such command");
  }

  std::unique_ptr<hwio::ReportDevice> report_device() override {
    return hwio::make_configfs_tsm(make_tsm_files(tree_));
  }

  bool healthy() override { return !tpm_ || tpm_->running(); }

 private:
  // A TPM that starts has been reset: the machine boots, and measures, again.
  Result<void> start_tpm() {
    const MeasuredBoot boot = measure_boot(options_.boot);
    ATTESTD_CHECK(make_folder(std::filesystem::path(paths_.firmware_log).parent_path().string(), 0755));
    ATTESTD_CHECK(replace_file(paths_.firmware_log, boot.firmware_log, log_mode));
    ATTESTD_CHECK(replace_file(paths_.userspace_log, boot.userspace_log, log_mode));
    ATTESTD_TRY(auto tpm, SoftwareTpm::start(paths_.tpm));
    ATTESTD_CHECK(extend_pcrs(tpm->tcti(), boot.extensions));
    tpm_ = std::move(tpm);
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
      std::error_code error;
      std::filesystem::remove_all(paths_.tpm, error);
      if (error) return fail_errno(error.value(), "cannot remove " + paths_.tpm);
      ATTESTD_CHECK(start_tpm());
      return std::string("another TPM, with other keys, runs and has measured the boot");
    }
    if (what != "start") return fail(Errc::usage, "tpm takes start, stop or swap");
    if (tpm_ && tpm_->running()) return std::string("the TPM runs already");
    tpm_.reset();
    ATTESTD_CHECK(start_tpm());
    return std::string("the TPM runs and has measured the boot");
  }

  Result<std::string> report(const std::string& hex, const std::string& vmpl) {
    ATTESTD_TRY(const Bytes given, from_hex(hex));
    FixedBytes<64> report_data{};
    if (given.size() != report_data.size()) return fail(Errc::usage, "report data are 64 bytes, 128 hex digits");
    std::copy(given.begin(), given.end(), report_data.begin());
    unsigned level = options_.vmpl;
    if (vmpl.size() == 1 && vmpl[0] >= '0' && vmpl[0] <= '3') {
      level = static_cast<unsigned>(vmpl[0] - '0');
    } else if (!vmpl.empty()) {
      return fail(Errc::usage, "a VMPL is 0 to 3");
    }
    const PspAnswer answer = psp_.request(report_data, level, false);
    if (answer.os_error != 0) return fail_errno(answer.os_error, "the security processor refuses");
    return to_hex(answer.report);
  }

  MachineOptions options_;
  StatePaths paths_;
  UniqueFd lock_;
  SnpSigner signer_;
  Psp psp_;
  TsmModel tree_;
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
  ATTESTD_CHECK(prepare_signer(paths, options, progress));
  return {};
}

Result<std::unique_ptr<Machine>> Machine::start(const MachineOptions& options, const Progress& progress) {
  ATTESTD_TRY(StatePaths paths, open_state(options));
  ATTESTD_TRY(UniqueFd lock, lock_state(paths));
  // Of an earlier run: who waits for it must not find it before we are ready.
  ::unlink(paths.agent_config.c_str());
  ATTESTD_TRY(SnpSigner signer, prepare_signer(paths, options, progress));
  auto machine = std::make_unique<RunningMachine>(options, std::move(paths), std::move(lock), std::move(signer));
  ATTESTD_CHECK(machine->bring_up(progress));
  return machine;
}

}  // namespace attestd::sim
