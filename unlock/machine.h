// The devices of this machine, opened for evidence.
#pragma once

#include <memory>

#include "agent/config.h"
#include "agent/evidence_once.h"
#include "unlock/relying_party.h"

namespace attestd::unlock {

// Closed again with it.
class Machine {
 public:
  static Machine open(agent::Config config);
  // Of evidence for unlocking, made as it is asked for. The machine must outlive it.
  [[nodiscard]] Attester attester() const;

 private:
  explicit Machine(std::unique_ptr<agent::EvidenceOnce> evidence) : evidence_(std::move(evidence)) {}
  std::unique_ptr<agent::EvidenceOnce> evidence_;
};

}  // namespace attestd::unlock
