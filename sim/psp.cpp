#include "sim/psp.h"

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

#include "hwio/sev_guest_abi.h"

namespace attestd::sim {

namespace abi = hwio::sev_guest;

Psp::Psp(PspConfig config, ReportSigner signer)
    : config_(std::move(config)), signer_(std::move(signer)), dice_(std::random_device{}()) {}

// Called with state_ held. What stands between this request and the firmware.
std::optional<PspAnswer> Psp::refuse() {
  PspAnswer refusal;
  if (faults_.wipe_key_after) {
    if (*faults_.wipe_key_after == 0) {
      key_wiped_ = true;
    } else {
      --*faults_.wipe_key_after;
    }
  }
  if (key_wiped_) {
    refusal.os_error = ENOTTY;
    return refusal;
  }
  if (faults_.busy > 0) {
    --faults_.busy;
    refusal.os_error = EBUSY;
    return refusal;
  }
  if (faults_.busy_probability > 0 && std::bernoulli_distribution(faults_.busy_probability)(dice_)) {
    refusal.os_error = EBUSY;
    return refusal;
  }
  if (faults_.throttled > 0) {
    --faults_.throttled;
    refusal.os_error = EAGAIN;
    refusal.vmm_error = abi::vmm_error_busy;
    return refusal;
  }
  if (faults_.firmware_status) {
    refusal.os_error = EIO;
    refusal.firmware_error = *faults_.firmware_status;
    return refusal;
  }
  return std::nullopt;
}

PspAnswer Psp::request(const FixedBytes<64>& report_data, unsigned vmpl, bool with_certificates) {
  return answer(report_data, vmpl, config_.guest_vmpl, with_certificates);
}

PspAnswer Psp::request_of_svsm(const FixedBytes<64>& report_data) { return answer(report_data, 0, 0, false); }

PspAnswer Psp::answer(const FixedBytes<64>& report_data, unsigned vmpl, unsigned floor, bool with_certificates) {
  const std::lock_guard device(device_);
  std::chrono::milliseconds request_time{0};
  {
    const std::lock_guard state(state_);
    if (auto refusal = refuse()) return *std::move(refusal);
    request_time = config_.request_time;
  }
  if (request_time.count() > 0) std::this_thread::sleep_for(request_time);

  PspAnswer answer;
  if (vmpl < floor || vmpl > tsm_privlevel_max) {
    answer.os_error = EINVAL;
    return answer;
  }
  SnpReport report = config_.report;
  report.report_data = report_data;
  report.vmpl = vmpl;
  auto bytes = signer_(report);
  if (!bytes) {
    answer.os_error = EIO;
    answer.firmware_error = abi::status_invalid_key_selection;
    return answer;
  }
  answer.report = *std::move(bytes);
  const std::lock_guard state(state_);
  ++reports_;
  if (with_certificates && !faults_.no_certificates) answer.certificates = config_.certificates;
  return answer;
}

OrErrno<TsmBlobs> Psp::report_new(const TsmRequest& request) {
  FixedBytes<64> report_data{};
  if (request.inblob.size() != report_data.size()) return std::unexpected(EINVAL);
  std::copy(request.inblob.begin(), request.inblob.end(), report_data.begin());
  const auto give_up = std::chrono::steady_clock::now() + config_.retry_limit;
  for (;;) {
    PspAnswer answer = this->request(report_data, request.privlevel, true);
    if (answer.os_error == 0) return TsmBlobs{std::move(answer.report), std::move(answer.certificates)};
    if (answer.os_error != EAGAIN) return std::unexpected(answer.os_error);
    if (std::chrono::steady_clock::now() + config_.retry_delay > give_up) {
      const std::lock_guard state(state_);
      key_wiped_ = true;
      return std::unexpected(ETIMEDOUT);
    }
    std::this_thread::sleep_for(config_.retry_delay);
  }
}

Bytes Psp::certificates() const {
  const std::lock_guard state(state_);
  return faults_.no_certificates ? Bytes{} : config_.certificates;
}

void Psp::set_faults(const PspFaults& faults) {
  const std::lock_guard state(state_);
  faults_ = faults;
}

PspFaults Psp::faults() const {
  const std::lock_guard state(state_);
  return faults_;
}

void Psp::set_request_time(std::chrono::milliseconds time) {
  const std::lock_guard state(state_);
  config_.request_time = time;
}

void Psp::restore_key() {
  const std::lock_guard state(state_);
  key_wiped_ = false;
  faults_.wipe_key_after.reset();
}

bool Psp::key_wiped() const {
  const std::lock_guard state(state_);
  return key_wiped_;
}

std::uint64_t Psp::reports() const {
  const std::lock_guard state(state_);
  return reports_;
}

}  // namespace attestd::sim
