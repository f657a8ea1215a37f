// One handshake between a guest and a server: what the guest sends, as a test wants it, and
// what a server makes of it.
#pragma once

#include <functional>

#include "kbs/runtime_data.h"
#include "kbs/trustee_evidence.h"
#include "verifier/appraise.h"

namespace attestd::test {

struct Exchange {
  kbs::Tee tee = kbs::Tee::snp;
  kbs::ProtocolVersion version = kbs::ProtocolVersion::v0_4_0;
  HashAlgorithm hash = HashAlgorithm::sha384;
  std::string additional_evidence{};
  // Makes the TEE's parts for what they must carry.
  std::function<Bundle(const kbs::Binding&)> evidence;
  // Sees the message before it goes out.
  std::function<void(kbs::Attestation&)> message{};
  // What the server thinks that it sent.
  std::function<void(FixedBytes<kbs::nonce_size>&)> session{};
  // Sees the evidence that the server took out of the message.
  std::function<void(Bundle&)> received{};
  std::function<void(AppraisalContext&)> context{};
};

// `context` has time and endorsements. An error is a message that does not parse, or
// whose nonce is not the session's.
Result<Appraisal> serve(const Exchange& exchange, const Policy& policy, AppraisalContext context);

}  // namespace attestd::test
