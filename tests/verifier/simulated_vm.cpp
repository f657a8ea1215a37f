#include "tests/verifier/simulated_vm.h"

#include <algorithm>

#include "evidence/event_log_writer.h"

namespace attestd::test {
namespace {

// Event types of the TCG PC Client Platform Firmware Profile 1.06, table 14.
constexpr std::uint32_t ev_separator = 0x00000004;
constexpr std::uint32_t ev_s_crtm_version = 0x00000008;
constexpr std::uint32_t ev_efi_variable_driver_config = 0x80000001;
constexpr std::uint32_t ev_efi_boot_services_application = 0x80000003;

// EFI_GLOBAL_VARIABLE, 8be4df61-93ca-11d2-aa0d-00e098032b8c.
constexpr FixedBytes<16> global_variable{std::byte{0x61}, std::byte{0xdf}, std::byte{0xe4}, std::byte{0x8b},
                                         std::byte{0xca}, std::byte{0x93}, std::byte{0xd2}, std::byte{0x11},
                                         std::byte{0xaa}, std::byte{0x0d}, std::byte{0x00}, std::byte{0xe0},
                                         std::byte{0x98}, std::byte{0x03}, std::byte{0x2b}, std::byte{0x8c}};

Bytes boot_log() {
  EventLogWriter log({HashAlgorithm::sha256});
  log.measure(0, ev_s_crtm_version, as_bytes("firmware 1"));
  log.measure(7, ev_efi_variable_driver_config,
              encode_uefi_variable_data(global_variable, "SecureBoot", Bytes{std::byte{1}}));
  log.measure(4, ev_efi_boot_services_application, as_bytes("the boot loader"), as_bytes("\\EFI\\BOOT\\BOOTX64.EFI"));
  for (unsigned pcr = 0; pcr < 8; ++pcr) log.measure(pcr, ev_separator, Bytes(4, std::byte{0}));
  return log.bytes();
}

}  // namespace

const sim::SnpSigner& signer() {
  static const sim::SnpSigner minted = sim::SnpSigner::mint({}).value();
  return minted;
}

SimulatedVm::SimulatedVm() : firmware_log(boot_log()) {
  pcrs[HashAlgorithm::sha256] = replay(parse_event_log(firmware_log).value(), HashAlgorithm::sha256);
  statement.purpose = Purpose::host;
  statement.issued_at = test_time;
  statement.boot_id = "6b0e4c40-5a4b-4c8e-9b59-0f9c7a2a11d3";
  statement.uptime_ms = 1000;
  statement.ssh_host_keys = {parse_ssh_public_key(test_host_key).value()};
  statement.ak_name = ak.name();
  statement.storage = {{"/", "/dev/mapper/root", "ext4", false, {"crypt-luks2", "integrity"}, "broker"}};
  statement.storage->front().mappings = {
      {{"root", "crypt-luks2", "crypt", "aes-xts-plain64", 64}, {"root_dif", "integrity", "integrity"}}};
  statement.provisioning = ProvisioningClaim{"none", "", ""};
  statement.platform = {"kvm-snp", {}, "6.12.0", "0.1.0"};
  std::ranges::fill(report.measurement, std::byte{0x5a});
  report.policy.raw = 0x30000;  // bit 17 is always one (56860 table 9); SMT allowed
}

Bundle SimulatedVm::bundle(const Bytes& nonce, const Hooks& hooks) const {
  Statement said = statement;
  said.nonce = nonce;
  if (hooks.statement) hooks.statement(said);
  Bundle out;
  out.statement = to_bytes(encode_statement(said));
  // Two more askers wait for the same report.
  const MerkleTree tree({merkle_leaf(as_bytes("first")), merkle_leaf(out.statement), merkle_leaf(as_bytes("third"))});
  out.inclusion = tree.prove(1);
  SnpReport filled = report;
  filled.report_data = tree.root();
  if (hooks.report) hooks.report(filled);
  signer().sign(filled).value();
  out.snp_report = encode_snp_report(filled);
  out.snp_certificates = encode_snp_certificate_table(signer().certificates());
  out.tpm = ak.quote(quote_qualifying_data(tree.root()), pcrs);
  out.firmware_event_log = firmware_log;
  if (hooks.bundle) hooks.bundle(out);
  return out;
}

Policy policy_for(const SimulatedVm& vm) {
  Policy policy;
  policy.snp_measurements = {{to_bytes(vm.report.measurement), ReferenceOrigin::own_firmware, ""}};
  policy.snp_minimum_tcb[SnpProduct::milan] = signer().options().tcb;
  policy.vtpm_isolation = {"host"};
  policy.pcrs = vm.pcrs;
  policy.secure_boot = true;
  policy.roots.named = {signer().root_der()};
  return policy;
}

AppraisalContext context_for(const Bytes& nonce) {
  AppraisalContext context;
  context.nonce = nonce;
  context.at = test_time;
  return context;
}

}  // namespace attestd::test
