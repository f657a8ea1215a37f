// The attestation report that Azure's paravisor (HCL, OpenHCL) leaves in the vTPM's
// NV index 0x01400001: a header, a hardware report made for the paravisor, and the
// runtime data whose hash is that report's report data.
// Sources: OpenVMM, openhcl_attestation_protocol (igvm_attest/get.rs, vtpm NV
// definitions); Microsoft Learn, "Guest attestation for confidential virtual
// machines: design", sections "Attestation report" and "Runtime data".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "evidence/digest.h"

namespace attestd {

inline constexpr std::uint32_t hcl_report_nv_index = 0x01400001;
inline constexpr std::uint32_t hcl_user_data_nv_index = 0x01400002;  // 64 bytes, shown by the next report
inline constexpr std::uint32_t hcl_ak_handle = 0x81000003;           // persistent; "HCLAkPub"
inline constexpr std::size_t hcl_header_size = 32;
inline constexpr std::size_t hcl_hardware_report_size = 1184;  // the place for it, whatever its kind
inline constexpr std::size_t hcl_data_header_size = 20;
inline constexpr std::size_t hcl_td_report_size = 1024;  // of the place, when it holds a TDREPORT
inline constexpr std::size_t hcl_user_data_size = 64;
inline constexpr std::size_t hcl_report_max_size = std::size_t{64} << 10U;

// IGVM_ATTEST report types; others (3 is VBS, without hardware) are refused.
enum class HclReportType : std::uint32_t { snp = 2, tdx = 4 };

struct HclReport {
  std::uint32_t version = 2;       // 0x04, of the header: 1 or 2, alike
  std::uint32_t report_size = 0;   // 0x08, as the paravisor counted: not relied upon
  std::uint32_t request_type = 2;  // 0x0c, 2 is a certificate request for the AK
  std::uint32_t status = 0;        // 0x10
  Bytes hardware_report;           // 0x20, SNP report (1184 bytes) or TDREPORT (1024 bytes)
  HclReportType type = HclReportType::snp;
  HashAlgorithm hash = HashAlgorithm::sha256;  // of the runtime data
  Bytes runtime_data;                          // exact bytes, JSON
  // REPORT_DATA that the hardware report must carry: the hash, zero-padded.
  [[nodiscard]] FixedBytes<64> expected_report_data() const;
};

// The whole NV index: what follows the runtime data is padding and is ignored.
// Errors: truncated, malformed (signature), unsupported (versions, report or hash
// type), out_of_range (sizes that contradict each other or exceed our limit).
Result<HclReport> parse_hcl_report(ByteView bytes);
// Without padding. report_size is computed.
Bytes encode_hcl_report(const HclReport& report);

// An RSA key of the runtime data, a JSON Web Key (RFC 7517).
struct HclKey {
  std::string id;  // "kid": "HCLAkPub", "HCLEkPub"
  std::vector<std::string> operations;
  std::uint32_t exponent = 0;
  Bytes modulus;  // big-endian, without leading zeros
};

struct HclRuntimeData {
  std::vector<HclKey> keys;
  // "vm-configuration"; nothing where the paravisor does not say.
  std::optional<bool> secure_boot;
  std::optional<bool> console_enabled;
  std::optional<bool> tpm_enabled;
  std::optional<bool> tpm_persisted;
  std::string vm_unique_id;
  std::string root_certificate_thumbprint;
  std::optional<FixedBytes<hcl_user_data_size>> user_data;

  // The vTPM's attestation key; nothing when there is none, or more than one.
  [[nodiscard]] const HclKey* attestation_key() const;
};

// Unknown members are ignored. Errors: malformed (not JSON, wrong types, a member
// that occurs twice), not_found ("keys" is missing), out_of_range.
Result<HclRuntimeData> parse_hcl_runtime_data(ByteView json);
std::string encode_hcl_runtime_data(const HclRuntimeData& data);

}  // namespace attestd
