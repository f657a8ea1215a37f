#include "tests/broker/simulated_guest.h"

#include "base/encoding.h"
#include "evidence/pem.h"
#include "kbs/runtime_data.h"
#include "kbs/trustee_evidence.h"

namespace attestd::test {
namespace {

constexpr auto version = kbs::ProtocolVersion::v0_4_0;

}  // namespace

std::string policy_toml(const SimulatedVm& vm, std::string_view required) {
  return "[policy]\nversion = 1\nrequired = [" + std::string(required) + "]\n[trust]\nroots = [\"\"\"\n" +
         certificate_to_pem(signer().root_der()) +
         "\"\"\"]\n[vtpm]\nisolation = [\"host\"]\n[[snp.measurement]]\nvalue = \"" + to_hex(vm.report.measurement) +
         "\"\norigin = \"own-firmware\"\n";
}

kbs::Attestation SimulatedGuest::message(const FixedBytes<kbs::nonce_size>& nonce) const {
  kbs::Attestation out;
  out.nonce = nonce;
  out.key.algorithm = std::string(jwe_alg_ecdh_es_a256kw);
  out.key.curve = "P-256";
  out.key.x = key_.public_jwk().x;
  out.key.y = key_.public_jwk().y;
  return out;
}

std::string SimulatedGuest::with_report(const FixedBytes<kbs::nonce_size>& nonce, const Hooks& hooks) const {
  kbs::Attestation out = message(nonce);
  if (hooks.message) hooks.message(out);
  const std::string runtime_data = kbs::encode_runtime_data(version, *out.nonce, out);
  SnpReport report = vm_->report;
  report.report_data = kbs::bind_runtime_data(kbs::Tee::snp, HashAlgorithm::sha384, runtime_data).report_data;
  if (hooks.report) hooks.report(report);
  signer().sign(report).value();
  Bundle bundle;
  bundle.snp_report = encode_snp_report(report);
  bundle.snp_certificates = encode_snp_certificate_table(signer().certificates());
  out.primary_evidence = kbs::encode_trustee_evidence(kbs::Tee::snp, bundle).value();
  if (hooks.sent) hooks.sent(out);
  return kbs::encode_attestation(out, version);
}

std::string SimulatedGuest::with_bundle(const FixedBytes<kbs::nonce_size>& nonce,
                                        const std::optional<UnlockClaim::Volume>& volume, const Hooks& hooks) const {
  kbs::Attestation out = message(nonce);
  if (hooks.message) hooks.message(out);
  const auto claims = [&](Statement& statement) {
    statement.purpose = Purpose::unlock;
    statement.unlock = UnlockClaim{to_bytes(ByteView(key_.public_jwk().thumbprint())), volume};
    if (hooks.statement) hooks.statement(statement);
  };
  const Bundle bundle =
      vm_->bundle(to_bytes(ByteView(*out.nonce)), {.statement = claims, .report = hooks.report, .bundle = {}});
  out.primary_evidence = encode_bundle(bundle);
  if (hooks.sent) hooks.sent(out);
  return kbs::encode_attestation(out, version);
}

}  // namespace attestd::test
