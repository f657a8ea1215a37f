// The AMD security processor as a guest meets it: one request at a time, slow,
// limited by the host, and unforgiving. Makes reports; another part signs them.
// Sources: AMD 56860 "SEV-SNP Firmware ABI" (MSG_REPORT_REQ); AMD 56421 GHCB
// (SNP Guest Request, extended); Linux drivers/virt/coco/sev-guest.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <random>

#include "base/bytes.h"
#include "evidence/snp_report.h"
#include "sim/tsm_model.h"

namespace attestd::sim {

struct PspConfig {
  // Every field but report_data, vmpl and the signature is answered as it is here.
  SnpReport report;
  Bytes certificates;  // the host's table, as encode_snp_certificate_table() makes it
  // VMPL of the guest kernel: it gets reports for this level and less privileged ones.
  unsigned guest_vmpl = 0;
  std::chrono::milliseconds request_time{0};  // what each request takes at least
  // Linux retries a throttled request itself for configfs-tsm: SNP_REQ_RETRY_DELAY,
  // SNP_REQ_MAX_RETRY_DURATION.
  std::chrono::milliseconds retry_delay{2000};
  std::chrono::milliseconds retry_limit{60000};
};

// 1184 signed bytes for a report whose signature fields are still empty.
using ReportSigner = std::function<Result<Bytes>(const SnpReport&)>;

struct PspFaults {
  unsigned busy = 0;                        // so many requests fail: another process holds the device
  double busy_probability = 0;              // and each other one with this probability, 0 to 1
  unsigned throttled = 0;                   // so many requests are put off by the host
  std::optional<unsigned> wipe_key_after;   // so many requests succeed, then the key is gone for good
  std::optional<unsigned> firmware_status;  // every request fails with this status of the firmware
  bool no_certificates = false;             // the host gives none
};

struct PspAnswer {
  int os_error = 0;  // as the driver's ioctl returns it
  std::uint32_t vmm_error = 0;
  std::uint32_t firmware_error = 0;
  Bytes report;        // 1184 bytes
  Bytes certificates;  // empty unless asked for
};

class Psp final : public TsmProvider {
 public:
  Psp(PspConfig config, ReportSigner signer);

  // Blocks while others ask. EBUSY busy, EAGAIN with VMM error 2 throttled,
  // ENOTTY key wiped, EIO firmware status, EINVAL for a VMPL that is not ours.
  PspAnswer request(const FixedBytes<64>& report_data, unsigned vmpl, bool with_certificates);

  // As an SVSM asks, with the key of VMPL 0 that the guest's kernel does not have.
  PspAnswer request_of_svsm(const FixedBytes<64>& report_data);

  [[nodiscard]] Bytes certificates() const;  // what the host would give now
  void set_faults(const PspFaults& faults);
  [[nodiscard]] PspFaults faults() const;
  void set_request_time(std::chrono::milliseconds time);
  void restore_key();  // as a reboot does
  [[nodiscard]] bool key_wiped() const;
  [[nodiscard]] std::uint64_t reports() const;  // signed so far

  // As sev-guest registers itself with configfs-tsm: 64 bytes of report data or
  // EINVAL; a throttled request is retried here until the limit, which wipes the key.
  [[nodiscard]] std::string name() const override { return "sev_guest"; }
  [[nodiscard]] unsigned privlevel_floor() const override { return config_.guest_vmpl; }
  OrErrno<TsmBlobs> report_new(const TsmRequest& request) override;

 private:
  std::optional<PspAnswer> refuse();
  PspAnswer answer(const FixedBytes<64>& report_data, unsigned vmpl, unsigned floor, bool with_certificates);

  PspConfig config_;
  ReportSigner signer_;
  std::mutex device_;         // held for a request's whole time
  mutable std::mutex state_;  // guards what follows
  PspFaults faults_;
  bool key_wiped_ = false;
  std::uint64_t reports_ = 0;
  std::mt19937 dice_;
};

}  // namespace attestd::sim
