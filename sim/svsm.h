// A Secure VM Service Module under the guest's kernel: it has the security
// processor's key of VMPL 0 and attests its vTPM.
// Sources: AMD 58019 "Secure VM Service Module for SEV-SNP Guests" (attestation
// protocol); Linux drivers/virt/coco/sev-guest (sev_svsm_report_new).
#pragma once

#include <mutex>

#include "sim/psp.h"

namespace attestd::sim {

class Svsm final : public TsmProvider {
 public:
  explicit Svsm(Psp& psp) : psp_(psp) {}

  // TPMT_PUBLIC of its vTPM's endorsement key. Until it is there, requests for the
  // SVSM's report fail.
  void set_endorsement_key(Bytes area);
  // From now on the manifest has another key, made up by flipping a bit: an SVSM that
  // attests a vTPM which is not the guest's.
  void attest_another_key(bool another);

  // As sev-guest registers itself where it finds an SVSM. EINVAL: another service
  // provider, nonces of another size, services that there are not.
  [[nodiscard]] std::string name() const override { return "sev_guest"; }
  [[nodiscard]] unsigned privlevel_floor() const override { return psp_.privlevel_floor(); }
  [[nodiscard]] bool shows(std::string_view /*attribute*/) const override { return true; }
  OrErrno<TsmBlobs> report_new(const TsmRequest& request) override;

 private:
  OrErrno<Bytes> manifest(const FixedBytes<16>& guid) const;

  Psp& psp_;
  mutable std::mutex mutex_;
  Bytes endorsement_key_;
  bool another_ = false;
};

}  // namespace attestd::sim
