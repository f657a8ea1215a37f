#include <string>

#include "base/encoding.h"
#include "base/hex_number.h"
#include "evidence/snp_json_internal.h"

namespace attestd {
namespace {

namespace json = boost::json;

json::value tcb(std::uint64_t raw, std::optional<SnpProduct> product) {
  json::object out{{"raw", hex_number(raw)}};
  // Version 2 does not say which product it is, and Turin orders the bytes differently.
  if (!product) return out;
  const SnpTcb decoded = decode_snp_tcb(raw, *product);
  if (decoded.fmc) out["fmc"] = *decoded.fmc;
  out["bootloader"] = decoded.bootloader;
  out["tee"] = decoded.tee;
  out["snp"] = decoded.snp;
  out["microcode"] = decoded.microcode;
  return out;
}

json::value policy(const SnpGuestPolicy& value) {
  return {{"raw", hex_number(value.raw)},
          {"abi", std::to_string(value.abi_major()) + "." + std::to_string(value.abi_minor())},
          {"smt", value.smt()},
          {"migrate_ma", value.migrate_ma()},
          {"debug", value.debug()},
          {"single_socket", value.single_socket()},
          {"cxl_allowed", value.cxl_allowed()},
          {"mem_aes_256_xts", value.mem_aes_256_xts()},
          {"rapl_disabled", value.rapl_disabled()},
          {"ciphertext_hiding", value.ciphertext_hiding()},
          {"page_swap_disabled", value.page_swap_disabled()}};
}

std::string firmware(const SnpFirmwareVersion& version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor) + "." + std::to_string(version.build);
}

std::string signer(const SnpReport& report) {
  switch (report.signing_key()) {
    case SnpSigningKey::vcek: return "VCEK";
    case SnpSigningKey::vlek: return "VLEK";
    case SnpSigningKey::none: return "none";
  }
  return "reserved";
}

}  // namespace

json::object snp_report_to_json(const SnpReport& report, std::optional<SnpProduct> product) {
  json::object out{{"version", report.version},
                   {"guest_svn", report.guest_svn},
                   {"policy", policy(report.policy)},
                   {"family_id", to_hex(report.family_id)},
                   {"image_id", to_hex(report.image_id)},
                   {"vmpl", report.vmpl},
                   {"signature_algorithm", report.signature_algorithm},
                   {"platform_info", hex_number(report.platform_info)},
                   {"signer", signer(report)},
                   {"author_key_present", report.author_key_present()},
                   {"chip_key_masked", report.chip_key_masked()},
                   {"report_data", to_hex(report.report_data)},
                   {"measurement", to_hex(report.measurement)},
                   {"host_data", to_hex(report.host_data)},
                   {"id_key_digest", to_hex(report.id_key_digest)},
                   {"author_key_digest", to_hex(report.author_key_digest)},
                   {"report_id", to_hex(report.report_id)},
                   {"report_id_ma", to_hex(report.report_id_ma)},
                   {"chip_id", to_hex(report.chip_id)},
                   {"reported_tcb", tcb(report.reported_tcb, product)},
                   {"current_tcb", tcb(report.current_tcb, product)},
                   {"committed_tcb", tcb(report.committed_tcb, product)},
                   {"launch_tcb", tcb(report.launch_tcb, product)},
                   {"current_firmware", firmware(report.current_firmware)},
                   {"committed_firmware", firmware(report.committed_firmware)}};
  if (product) out["product"] = snp_product_name(*product);
  if (report.version >= 3) {
    out["cpuid"] = {
        {"family", report.cpuid_family}, {"model", report.cpuid_model}, {"stepping", report.cpuid_stepping}};
  }
  if (report.version >= 5) {
    out["launch_mitigations"] = hex_number(report.launch_mitigations);
    out["current_mitigations"] = hex_number(report.current_mitigations);
  }
  return out;
}

}  // namespace attestd
