// The TDX module and the host's quoting service as a TD meets them: registers that
// only grow, a TDREPORT at once, a quote after a while or never. Makes reports;
// another part signs quotes of them.
// Sources: Intel TDX Module ABI Specification (348551); Linux
// drivers/virt/coco/tdx-guest/tdx-guest.c.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>

#include "base/bytes.h"
#include "evidence/ccel.h"
#include "evidence/td_report.h"
#include "hwio/ioctl_device.h"
#include "hwio/rtmr.h"
#include "sim/tsm_model.h"

namespace attestd::sim {

// A quote of the report, as the host's quoting service would give it.
using QuoteSigner = std::function<Result<Bytes>(const TdReport&)>;

struct TdxFaults {
  unsigned busy = 0;         // so many quotes fail: the last one is still under way
  bool no_answer = false;    // the quoting service never answers
  bool other_td = false;     // the host gives the quote of another TD, of its own making
  bool other_nonce = false;  // the host gives an old quote of this TD
};

class TdxModule final : public TsmProvider {
 public:
  // Every field but the report data and the digests is answered as it is in `td`.
  TdxModule(const TdReport& td, QuoteSigner signer) : td_(td), signer_(std::move(signer)) {}

  // TDREPORT_STRUCT without a MAC, which nobody here could check.
  [[nodiscard]] Bytes report(const FixedBytes<64>& report_data) const;
  [[nodiscard]] FixedBytes<48> rtmr(unsigned index) const;
  void extend(unsigned index, const FixedBytes<48>& digest);  // 0 to 3

  void set_faults(const TdxFaults& faults);
  [[nodiscard]] TdxFaults faults() const;
  [[nodiscard]] std::uint64_t quotes() const;  // given so far

  // As tdx-guest registers itself with configfs-tsm: it shows neither privilege
  // levels nor certificates. EINVAL unless 64 bytes are given.
  [[nodiscard]] std::string name() const override { return "tdx_guest"; }
  [[nodiscard]] unsigned privlevel_floor() const override { return 0; }
  [[nodiscard]] bool shows(std::string_view attribute) const override;
  OrErrno<TsmBlobs> report_new(const TsmRequest& request) override;

 private:
  [[nodiscard]] TdReport with_data(const FixedBytes<64>& report_data) const;

  mutable std::mutex mutex_;
  TdReport td_;
  QuoteSigner signer_;
  TdxFaults faults_;
  std::uint64_t quotes_ = 0;
};

// /dev/tdx_guest, and the registers of sysfs, in process; the module must outlive them.
std::unique_ptr<hwio::IoctlDevice> make_tdx_guest(const TdxModule& module);
std::unique_ptr<hwio::MeasurementFiles> make_measurements(TdxModule& module);

}  // namespace attestd::sim
