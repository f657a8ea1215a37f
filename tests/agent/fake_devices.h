// Devices whose delays and failures a test decides.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "hwio/report_device.h"
#include "hwio/tpm.h"

namespace attestd::test {

struct FakeHardware {
  std::mutex mutex;
  std::condition_variable changed;
  std::chrono::milliseconds delay{0};
  bool stuck = false;
  std::optional<Error> failure;
  unsigned calls = 0;

  void set_stuck(bool value) {
    const std::scoped_lock lock(mutex);
    stuck = value;
    changed.notify_all();
  }
  void set_failure(std::optional<Error> error) {
    const std::scoped_lock lock(mutex);
    failure = std::move(error);
  }
  unsigned call_count() {
    const std::scoped_lock lock(mutex);
    return calls;
  }
};

class FakeReportDevice : public hwio::ReportDevice {
 public:
  explicit FakeReportDevice(std::shared_ptr<FakeHardware> hardware) : hardware_(std::move(hardware)) {}
  Result<hwio::HardwareReport> report(const FixedBytes<64>& report_data) override {
    std::unique_lock lock(hardware_->mutex);
    ++hardware_->calls;
    hardware_->changed.notify_all();
    hardware_->changed.wait(lock, [this] { return !hardware_->stuck; });
    const auto delay = hardware_->delay;
    const auto failure = hardware_->failure;
    lock.unlock();
    std::this_thread::sleep_for(delay);
    if (failure) return std::unexpected(*failure);
    hwio::HardwareReport out;
    out.report.resize(1184);
    std::copy(report_data.begin(), report_data.end(), out.report.begin() + 0x50);
    out.provider = "sev_guest";
    return out;
  }
  [[nodiscard]] std::string where() const override { return "/dev/fake-guest"; }

 private:
  std::shared_ptr<FakeHardware> hardware_;
};

struct FakeTpmState {
  std::mutex mutex;
  bool there = true;
  Bytes name = Bytes(34, std::byte{0x0b});
  bool replace_at_next_quote = false;
  void set_there(bool value) {
    const std::scoped_lock lock(mutex);
    there = value;
  }
};

class FakeTpm : public hwio::Tpm {
 public:
  explicit FakeTpm(std::shared_ptr<FakeTpmState> state) : state_(std::move(state)) {}
  Result<hwio::TpmAttestationKey> attestation_key() override {
    const std::scoped_lock lock(state_->mutex);
    if (!state_->there) return fail(Errc::unavailable, "nobody answers");
    return key();
  }
  Result<hwio::TpmQuoteResult> quote(ByteView qualifying_data) override {
    const std::scoped_lock lock(state_->mutex);
    if (!state_->there) return fail(Errc::unavailable, "nobody answers");
    if (std::exchange(state_->replace_at_next_quote, false)) state_->name.back() = std::byte{0xff};
    hwio::TpmQuoteResult out;
    out.quote = to_bytes(qualifying_data);
    out.signature = Bytes(70, std::byte{2});
    out.pcrs[0x000b][0] = Bytes(32, std::byte{3});
    out.key = key();
    return out;
  }
  Result<Bytes> endorsement_key() override { return fail(Errc::unsupported, "no endorsement key"); }
  Result<Bytes> activate_credential(ByteView /*credential_blob*/, ByteView /*encrypted_secret*/) override {
    return fail(Errc::unsupported, "no endorsement key");
  }
  Result<Bytes> nv_read(std::uint32_t /*index*/) override { return fail(Errc::not_found, "no such index"); }
  Result<void> nv_write(std::uint32_t /*index*/, ByteView /*data*/) override {
    return fail(Errc::permission, "no index can be written");
  }
  [[nodiscard]] std::string where() const override { return "fake-tpm"; }

 private:
  [[nodiscard]] hwio::TpmAttestationKey key() const { return {Bytes(90, std::byte{1}), state_->name, {}}; }
  std::shared_ptr<FakeTpmState> state_;
};

}  // namespace attestd::test
