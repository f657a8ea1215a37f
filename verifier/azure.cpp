#include "verifier/azure.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "base/openssl_internal.h"
#include "evidence/snp_report.h"
#include "verifier/tpm_key_internal.h"

namespace attestd {
namespace {

namespace json = boost::json;

// Intel TDX Module 1.5 ABI, REPORTMACSTRUCT: REPORTDATA.
constexpr std::size_t td_report_data_offset = 128;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

TpmPublic public_area(const HclKey& key) {
  TpmPublic area;
  area.type = TpmPublic::Type::rsa;
  area.rsa_exponent = key.exponent;
  area.rsa_modulus = key.modulus;
  return area;
}

ByteView without_leading_zeros(ByteView number) {
  const auto first = std::ranges::find_if(number, [](std::byte byte) { return byte != std::byte{0}; });
  return number.subspan(static_cast<std::size_t>(first - number.begin()));
}

// The paravisor lives in VMPL 0. A report for another level may be that of the
// guest's own kernel, which can put any runtime data's hash into it.
Result<FixedBytes<64>> snp_report_data(const HclReport& hcl) {
  ATTESTD_TRY(const SnpReport report, parse_snp_report(hcl.hardware_report));
  if (report.vmpl != 0) {
    return fail(Errc::refused,
                "the report is for VMPL " + std::to_string(report.vmpl) + ": only one for VMPL 0 is the paravisor's");
  }
  return report.report_data;
}

Check unreadable(std::string_view id, const AzureVerification& azure) {
  return {std::string(id), CheckResult::fail, azure.problem};
}

std::string flag(const std::optional<bool>& value) { return !value ? "not said" : *value ? "true" : "false"; }

}  // namespace

bool AzureVerification::carries(const FixedBytes<64>& root) const {
  return runtime && runtime->user_data && constant_time_equal(*runtime->user_data, root);
}

AzureVerification read_azure(ByteView hcl_report) {
  AzureVerification out;
  auto report = parse_hcl_report(hcl_report);
  if (!report) {
    out.problem = report.error().text();
    return out;
  }
  out.report = *std::move(report);
  auto runtime = parse_hcl_runtime_data(out.report->runtime_data);
  if (!runtime) {
    out.problem = runtime.error().text();
    return out;
  }
  out.runtime = *std::move(runtime);
  return out;
}

Check check_azure_runtime_data(const AzureVerification& azure, const std::optional<FixedBytes<64>>& td_report_data) {
  const std::string id = "azure.runtime-data";
  if (!azure.runtime) return unreadable(id, azure);
  const FixedBytes<64> expected = azure.report->expected_report_data();
  const std::string hash(hash_name(azure.report->hash));
  FixedBytes<64> found{};
  std::string_view carrier = "the SNP report";
  if (azure.is(HclReportType::snp)) {
    const auto report_data = snp_report_data(*azure.report);
    if (!report_data) return {id, CheckResult::fail, report_data.error().text()};
    found = *report_data;
  } else {
    if (!td_report_data) {
      return {id, CheckResult::skipped,
              "there is no TD quote, and a TDREPORT can be verified on the machine that made it only"};
    }
    carrier = "the TD quote";
    found = *td_report_data;
    const auto in_report = ByteView(azure.report->hardware_report).subspan(td_report_data_offset, expected.size());
    if (!constant_time_equal(in_report, expected)) {
      return {id, CheckResult::fail,
              "the TDREPORT carries " + to_hex(in_report) + ", the " + hash + " of the runtime data is " +
                  to_hex(expected)};
    }
  }
  if (!constant_time_equal(found, expected)) {
    return {id, CheckResult::fail,
            std::string(carrier) + " carries " + to_hex(found) + ", the " + hash + " of the runtime data is " +
                to_hex(expected)};
  }
  return {id, CheckResult::pass, std::string(carrier) + " carries the " + hash + " of the runtime data"};
}

Check check_azure_ak(const AzureVerification& azure, const TpmPublic* ak) {
  const std::string id = "azure.ak";
  if (!azure.runtime) return unreadable(id, azure);
  const HclKey* const named = azure.runtime->attestation_key();
  if (named == nullptr) return {id, CheckResult::fail, "the runtime data do not name one HCLAkPub"};
  if (ak == nullptr) return {id, CheckResult::skipped, "there is no quote of the vTPM whose key could be compared"};
  const bool same = ak->type == TpmPublic::Type::rsa && ak->rsa_exponent == named->exponent &&
                    constant_time_equal(without_leading_zeros(ak->rsa_modulus), named->modulus);
  if (!same) return {id, CheckResult::fail, "the quote's key is not the HCLAkPub of the runtime data"};
  return {id, CheckResult::pass, "the quote's key is the HCLAkPub of the runtime data"};
}

Check check_azure_configuration(const AzureVerification& azure, const AzurePolicy& policy) {
  const std::string id = "azure.configuration";
  if (!azure.runtime) return unreadable(id, azure);
  if (policy.demands_nothing()) return {id, CheckResult::skipped, "the policy demands nothing of the runtime data"};
  const HclRuntimeData& runtime = *azure.runtime;
  if (!policy.vm_ids.empty() &&
      std::ranges::none_of(policy.vm_ids, [&](const auto& vm) { return lower(vm) == lower(runtime.vm_unique_id); })) {
    return {id, CheckResult::fail, "vmUniqueId is " + escape_text(runtime.vm_unique_id) + ", not one of the policy's"};
  }
  const auto demands = {std::tuple{"secure-boot", policy.secure_boot, runtime.secure_boot},
                        std::tuple{"console-enabled", policy.console, runtime.console_enabled},
                        std::tuple{"tpm-persisted", policy.tpm_persisted, runtime.tpm_persisted}};
  for (const auto& [name, wanted, found] : demands) {
    if (wanted && wanted != found) {
      return {id, CheckResult::fail, std::string(name) + " is " + flag(found) + ", the policy demands " + flag(wanted)};
    }
  }
  return {id, CheckResult::pass, "the runtime data say of the VM what the policy demands"};
}

Result<Bytes> hcl_key_to_pem(const HclKey& key) {
  ATTESTD_TRY(const TpmKey handle, tpm_key(public_area(key)));
  const openssl::Stream stream(BIO_new(BIO_s_mem()));
  if (!stream || PEM_write_bio_PUBKEY(stream.get(), handle.get()) != 1) {
    return openssl::failure("cannot write " + key.id + " as PEM");
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(stream.get(), &text);
  return to_bytes(std::string_view(text, static_cast<std::size_t>(size)));
}

Result<Bytes> azure_ak_pem(const AzureVerification& azure) {
  const HclKey* const key = azure.runtime ? azure.runtime->attestation_key() : nullptr;
  if (key == nullptr) return fail(Errc::not_found, "the runtime data name no HCLAkPub");
  return hcl_key_to_pem(*key);
}

std::string azure_claims_json(const AzureVerification& azure) {
  json::object out;
  if (azure.report) {
    out["hcl_version"] = azure.report->version;
    out["report_type"] = azure.is(HclReportType::snp) ? "snp" : "tdx";
    out["hash"] = hash_name(azure.report->hash);
  }
  if (azure.runtime) {
    const HclRuntimeData& runtime = *azure.runtime;
    json::array keys;
    for (const HclKey& key : runtime.keys) keys.emplace_back(key.id);
    out["keys"] = std::move(keys);
    const auto add = [&](std::string_view name, const std::optional<bool>& value) {
      if (value) out[name] = *value;
    };
    add("secure_boot", runtime.secure_boot);
    add("console_enabled", runtime.console_enabled);
    add("tpm_enabled", runtime.tpm_enabled);
    add("tpm_persisted", runtime.tpm_persisted);
    if (!runtime.vm_unique_id.empty()) out["vm_unique_id"] = runtime.vm_unique_id;
    if (!runtime.root_certificate_thumbprint.empty()) {
      out["root_certificate_thumbprint"] = runtime.root_certificate_thumbprint;
    }
    if (runtime.user_data) out["user_data"] = to_hex(*runtime.user_data);
  }
  return json::serialize(out);
}

}  // namespace attestd
