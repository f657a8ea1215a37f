#include "verifier/snp_policy.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/hex_number.h"
#include "base/text.h"

namespace attestd {
namespace {

// The PSP writes this VMPL into reports that the host asked for (56860 table 23).
constexpr std::uint32_t vmpl_of_host_request = 0xffffffff;

std::string bit_text(std::string_view name, bool value) {
  return std::string(name) + (value ? " is allowed" : " is not allowed");
}

void check_bit(std::vector<std::string>& faults, std::string_view name, bool value,
               const std::optional<bool>& demanded) {
  if (demanded && *demanded != value) faults.push_back(bit_text(name, value) + ", the policy demands otherwise");
}

Check check_guest_policy(const SnpVerification& verification, const Policy& policy) {
  const SnpReport& report = *verification.report;
  std::vector<std::string> faults;
  if (report.policy.debug() && !policy.snp_allow_debug) {
    faults.emplace_back("debugging is allowed, so the host can read and write this guest's memory");
  }
  if (report.policy.migrate_ma() && !policy.snp_allow_migration_agent) {
    faults.emplace_back("a migration agent is allowed, which can move this guest elsewhere");
  }
  check_bit(faults, "SMT", report.policy.smt(), policy.snp_smt);
  if (policy.snp_single_socket && *policy.snp_single_socket != report.policy.single_socket()) {
    faults.emplace_back(report.policy.single_socket() ? "the guest is bound to one socket, the policy demands otherwise"
                                                      : "the guest is not bound to one socket");
  }
  if (report.vmpl == vmpl_of_host_request) {
    faults.emplace_back("the host asked for this report, not the guest");
  } else if (report.vmpl > policy.snp_max_vmpl) {
    faults.emplace_back("it was asked for at VMPL " + std::to_string(report.vmpl) + ", accepted is up to " +
                        std::to_string(policy.snp_max_vmpl));
  }
  if (!verification.signer.empty() && !policy.snp_signers.contains(verification.signer)) {
    faults.emplace_back("a " + verification.signer + " signed it, which the policy does not accept");
  }
  if (!policy.snp_host_data.empty() && !any_equal(policy.snp_host_data, report.host_data)) {
    faults.emplace_back("host data is " + to_hex(report.host_data) + ", which the policy does not list");
  }
  if (!policy.snp_id_key_digests.empty() && !any_equal(policy.snp_id_key_digests, report.id_key_digest)) {
    faults.emplace_back("the ID key's digest is " + to_hex(report.id_key_digest) + ", which the policy does not list");
  }
  if (policy.snp_require_crl && std::ranges::none_of(verification.checks, [](const Check& check) {
        return check.id == "snp.revocation" && check.result == CheckResult::pass;
      })) {
    faults.emplace_back("the policy demands a revocation list, and none was checked");
  }
  if (!faults.empty()) {
    return {"snp.policy", CheckResult::fail,
            joined(faults, "; ") + " (guest policy " + hex_number(report.policy.raw) + ")"};
  }
  return {"snp.policy", CheckResult::pass,
          "guest policy " + hex_number(report.policy.raw) + ", VMPL " + std::to_string(report.vmpl)};
}

std::string tcb_text(const SnpTcb& tcb) {
  std::string out = "bootloader " + std::to_string(tcb.bootloader) + ", tee " + std::to_string(tcb.tee) + ", snp " +
                    std::to_string(tcb.snp) + ", microcode " + std::to_string(tcb.microcode);
  if (tcb.fmc) out += ", fmc " + std::to_string(*tcb.fmc);
  return out;
}

Check check_tcb_minimum(const SnpVerification& verification, const Policy& policy) {
  const std::string id = "snp.tcb-minimum";
  if (policy.snp_minimum_tcb.empty()) return {id, CheckResult::skipped, "the policy has no TCB minimum"};
  if (!verification.product) return {id, CheckResult::skipped, "the processor's product is not known"};
  const auto minimum = policy.snp_minimum_tcb.find(*verification.product);
  if (minimum == policy.snp_minimum_tcb.end()) {
    return {id, CheckResult::fail,
            "the policy has TCB minimums, but none for " + std::string(snp_product_name(*verification.product))};
  }
  const SnpTcb tcb = decode_snp_tcb(verification.report->reported_tcb, *verification.product);
  const SnpTcb& least = minimum->second;
  const bool enough = tcb.bootloader >= least.bootloader && tcb.tee >= least.tee && tcb.snp >= least.snp &&
                      tcb.microcode >= least.microcode && tcb.fmc.value_or(0) >= least.fmc.value_or(0);
  return {id, enough ? CheckResult::pass : CheckResult::fail,
          "reported TCB is " + tcb_text(tcb) + "; the minimum is " + tcb_text(least)};
}

Check check_measurement(const SnpReport& report, const Policy& policy) {
  const std::string id = "snp.measurement";
  if (policy.snp_measurements.empty()) return {id, CheckResult::skipped, "the policy has no reference measurement"};
  const ReferenceMeasurement* const reference = find_reference(report, policy);
  if (reference == nullptr) {
    return {id, CheckResult::fail,
            "launch digest is " + to_hex(report.measurement) + ", which the policy does not list"};
  }
  return {id, CheckResult::pass,
          "launch digest equals a reference (" + std::string(origin_name(reference->origin)) + ")"};
}

}  // namespace

const ReferenceMeasurement* find_reference(const SnpReport& report, const Policy& policy) {
  return find_reference(policy.snp_measurements, report.measurement);
}

std::vector<Check> check_snp_policy(const SnpVerification& verification, const Policy& policy) {
  if (!verification.report) {
    std::vector<Check> checks;
    for (const char* const id : {"snp.policy", "snp.tcb-minimum", "snp.measurement"}) {
      checks.push_back({id, CheckResult::skipped, "there is no readable report"});
    }
    return checks;
  }
  return {check_guest_policy(verification, policy), check_tcb_minimum(verification, policy),
          check_measurement(*verification.report, policy)};
}

}  // namespace attestd
