#include "unlock/machine.h"

#include <unistd.h>

#include "unlock/volume.h"

namespace attestd::unlock {

Machine Machine::open(agent::Config config) {
  // There is no sshd to ask in an initrd.
  config.ssh.sshd.clear();
  agent::Devices devices = agent::system_devices(config, https_fetch);
  return Machine(std::make_unique<agent::EvidenceOnce>(std::move(config), std::move(devices)));
}

Attester Machine::attester() const {
  Attester out;
  out.tee = tee_of(evidence_->platform());
  out.bundle = [this](const Bytes& nonce, const UnlockClaim& claim) {
    agent::EvidenceRequest request;
    request.nonce = nonce;
    request.purpose = Purpose::unlock;
    request.unlock = claim;
    request.peer = StatementPeer{::getuid(), ::getgid(), ::getpid(), {}};
    return evidence_->bundle(std::move(request));
  };
  out.raw_report = [this](const FixedBytes<64>& report_data) { return evidence_->raw_report(report_data); };
  return out;
}

}  // namespace attestd::unlock
