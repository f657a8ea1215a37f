#include "tests/kbs/exchange.h"

#include <algorithm>

namespace attestd::test {
namespace {

std::string client(const Exchange& exchange, const FixedBytes<kbs::nonce_size>& nonce) {
  kbs::Attestation attestation;
  attestation.nonce = nonce;
  attestation.key.algorithm = "ECDH-ES+A256KW";
  attestation.key.curve = "P-256";
  attestation.key.x = Bytes(32, std::byte{0x11});
  attestation.key.y = Bytes(32, std::byte{0x22});
  attestation.additional_evidence = exchange.additional_evidence;
  const std::string bound = kbs::encode_runtime_data(exchange.version, nonce, attestation);
  const Bundle evidence = exchange.evidence(kbs::bind_runtime_data(exchange.tee, exchange.hash, bound));
  attestation.primary_evidence = kbs::encode_trustee_evidence(exchange.tee, evidence).value();
  if (exchange.message) exchange.message(attestation);
  return kbs::encode_attestation(attestation, exchange.version);
}

}  // namespace

Result<Appraisal> serve(const Exchange& exchange, const Policy& policy, AppraisalContext context) {
  FixedBytes<kbs::nonce_size> nonce{};
  std::ranges::fill(nonce, std::byte{0x5a});
  const std::string sent = client(exchange, nonce);
  if (exchange.session) exchange.session(nonce);

  ATTESTD_TRY(const kbs::Attestation attestation, kbs::parse_attestation(sent, exchange.version));
  if (attestation.nonce && *attestation.nonce != nonce) return fail(Errc::mismatch, "not the session's nonce");
  ATTESTD_TRY(kbs::TrusteeEvidence evidence, kbs::parse_trustee_evidence(exchange.tee, attestation.primary_evidence));
  if (exchange.received) exchange.received(evidence.bundle);
  const std::string bound = kbs::encode_runtime_data(exchange.version, nonce, attestation);
  kbs::Binding binding = kbs::bind_runtime_data(exchange.tee, exchange.hash, bound);
  context.report_data = binding.report_data;
  context.qualifying_data = std::move(binding.qualifying_data);
  if (exchange.context) exchange.context(context);
  return appraise(evidence.bundle, policy, context);
}

}  // namespace attestd::test
