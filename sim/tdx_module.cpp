#include "sim/tdx_module.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "evidence/digest.h"
#include "hwio/tdx_guest_abi.h"

namespace attestd::sim {
namespace {

namespace abi = hwio::tdx_guest;

// "rtmr2:sha384" to 2.
std::optional<unsigned> rtmr_named(const std::string& name) {
  for (unsigned i = 0; i < abi::rtmr_count; ++i) {
    if (name == "rtmr" + std::to_string(i) + ":sha384") return i;
  }
  return std::nullopt;
}

class InProcessTdxGuest final : public hwio::IoctlDevice {
 public:
  explicit InProcessTdxGuest(const TdxModule& module) : module_(module) {}

  int ioctl(unsigned long request, void* argument) override {
    if (request != abi::get_report0) return ENOTTY;
    auto* const exchange = static_cast<abi::ReportRequest*>(argument);
    FixedBytes<64> report_data{};
    std::memcpy(report_data.data(), exchange->reportdata, report_data.size());
    const Bytes report = module_.report(report_data);
    std::memcpy(exchange->tdreport, report.data(), sizeof exchange->tdreport);
    return 0;
  }
  [[nodiscard]] std::string where() const override { return "the simulated TDX module"; }

 private:
  const TdxModule& module_;
};

class InProcessMeasurements final : public hwio::MeasurementFiles {
 public:
  explicit InProcessMeasurements(TdxModule& module) : module_(module) {}

  Result<Bytes> read(const std::string& name) override {
    const auto index = rtmr_named(name);
    if (!index) return fail_errno(ENOENT, "there is no " + name);
    return to_bytes(module_.rtmr(*index));
  }
  Result<void> write(const std::string& name, ByteView bytes) override {
    const auto index = rtmr_named(name);
    if (!index) return fail_errno(ENOENT, "there is no " + name);
    FixedBytes<48> digest{};
    if (bytes.size() != digest.size()) return fail_errno(EINVAL, name + " takes 48 bytes");
    std::ranges::copy(bytes, digest.begin());
    module_.extend(*index, digest);
    return {};
  }
  [[nodiscard]] std::string where() const override { return "the simulated TDX module"; }

 private:
  TdxModule& module_;
};

}  // namespace

TdReport TdxModule::with_data(const FixedBytes<64>& report_data) const {
  const std::lock_guard lock(mutex_);
  TdReport out = td_;
  out.report_data = report_data;
  set_td_report_digests(out);
  return out;
}

Bytes TdxModule::report(const FixedBytes<64>& report_data) const { return encode_td_report(with_data(report_data)); }

FixedBytes<48> TdxModule::rtmr(unsigned index) const {
  const std::lock_guard lock(mutex_);
  return td_.rtmrs.at(index);
}

void TdxModule::extend(unsigned index, const FixedBytes<48>& digest) {
  const std::lock_guard lock(mutex_);
  rtmr_extend(td_.rtmrs.at(index), digest);
}

void TdxModule::set_faults(const TdxFaults& faults) {
  const std::lock_guard lock(mutex_);
  faults_ = faults;
}

TdxFaults TdxModule::faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

std::uint64_t TdxModule::quotes() const {
  const std::lock_guard lock(mutex_);
  return quotes_;
}

bool TdxModule::shows(std::string_view attribute) const {
  constexpr std::array shown{"generation", "provider", "inblob", "outblob"};
  return std::ranges::find(shown, attribute) != shown.end();
}

OrErrno<TsmBlobs> TdxModule::report_new(const TsmRequest& request) {
  FixedBytes<64> report_data{};
  if (request.inblob.size() != report_data.size()) return std::unexpected(EINVAL);
  std::ranges::copy(request.inblob, report_data.begin());
  TdxFaults now;
  {
    const std::lock_guard lock(mutex_);
    now = faults_;
    if (faults_.busy > 0) {
      --faults_.busy;
      return std::unexpected(EBUSY);
    }
  }
  // The driver waits for 30 seconds (GETQUOTE_TIMEOUT); what follows is the same.
  if (now.no_answer) return std::unexpected(ETIMEDOUT);
  if (now.other_nonce) report_data.fill(std::byte{0x5a});
  TdReport report = with_data(report_data);
  if (now.other_td) {
    const Bytes mrtd = digest(HashAlgorithm::sha384, {as_bytes("attestd-sim: another TD")});
    std::ranges::copy(mrtd, report.mrtd.begin());
    set_td_report_digests(report);
  }
  auto quote = signer_(report);
  if (!quote) return std::unexpected(EIO);
  const std::lock_guard lock(mutex_);
  ++quotes_;
  return TsmBlobs{*std::move(quote), {}, {}};
}

std::unique_ptr<hwio::IoctlDevice> make_tdx_guest(const TdxModule& module) {
  return std::make_unique<InProcessTdxGuest>(module);
}

std::unique_ptr<hwio::MeasurementFiles> make_measurements(TdxModule& module) {
  return std::make_unique<InProcessMeasurements>(module);
}

}  // namespace attestd::sim
