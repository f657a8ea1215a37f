// What Intel signs about platforms: TCB info and enclave identities, as JSON.
// Source: Intel "Provisioning Certification Service" API documentation,
// version 4, "Get TDX TCB Info" and "Get TDX QE Identity".
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace attestd {

// Genuine ones have some ten kB.
inline constexpr std::size_t dcap_json_max_size = std::size_t{256} << 10U;

enum class DcapKind { tcb_info, enclave_identity };

// {"tcbInfo": BODY, "signature": "HEX"}, or with "enclaveIdentity". The
// signature is over the very bytes of BODY as they stand, never over JSON that
// was encoded again.
struct SignedDcapJson {
  DcapKind kind = DcapKind::tcb_info;
  std::string_view body;       // into the input
  FixedBytes<64> signature{};  // R || S on P-256, big-endian
};
// Errors: out_of_range, malformed.
Result<SignedDcapJson> parse_signed_dcap_json(std::string_view json);

// Names as Intel has them; the table in the PCS documentation.
enum class TcbStatus {
  up_to_date,
  sw_hardening_needed,
  configuration_needed,
  configuration_and_sw_hardening_needed,
  out_of_date,
  out_of_date_configuration_needed,
  revoked,
};
std::string_view tcb_status_name(TcbStatus status);  // "UpToDate"

// What one level says of platforms that reach it.
struct TcbVerdict {
  TcbStatus status = TcbStatus::revoked;
  std::int64_t date = 0;                // Unix seconds: vulnerabilities published until then are considered
  std::vector<std::string> advisories;  // "INTEL-SA-00837"; hostile text until the signature is verified
};

struct TcbLevel {
  std::array<std::uint8_t, 16> sgx_components{};
  std::uint16_t pcesvn = 0;
  std::array<std::uint8_t, 16> tdx_components{};
  TcbVerdict verdict;
};

struct IsvSvnLevel {
  std::uint16_t isvsvn = 0;
  TcbVerdict verdict;
};

// Of a TDX module: what MRSIGNERSEAM and SEAMATTRIBUTES must be.
struct TdxModule {
  FixedBytes<48> mrsigner{};
  FixedBytes<8> attributes{};  // as in the report: little-endian
  FixedBytes<8> attributes_mask{};
};
struct TdxModuleIdentity {
  std::string id;  // "TDX_01": byte 1 of the TEE TCB SVN as two hexadecimal digits
  TdxModule module;
  std::vector<IsvSvnLevel> levels;  // highest first
};

struct TdxTcbInfo {
  std::int64_t issue_date = 0;  // Unix seconds
  std::int64_t next_update = 0;
  FixedBytes<6> fmspc{};
  FixedBytes<2> pce_id{};
  std::uint32_t evaluation_data_number = 0;
  TdxModule module;
  std::vector<TdxModuleIdentity> module_identities;
  std::vector<TcbLevel> levels;  // in Intel's order, highest first
};
// Errors: malformed, not_found, out_of_range (with the member's place);
// unsupported (id that is not "TDX", version that is not 3, tcbType that is not 0).
Result<TdxTcbInfo> parse_tdx_tcb_info(std::string_view body);

struct TdxQeIdentity {
  std::int64_t issue_date = 0;
  std::int64_t next_update = 0;
  std::uint32_t evaluation_data_number = 0;
  FixedBytes<4> miscselect{}, miscselect_mask{};  // as in the report: little-endian
  FixedBytes<16> attributes{}, attributes_mask{};
  FixedBytes<32> mrsigner{};
  std::uint16_t isvprodid = 0;
  std::vector<IsvSvnLevel> levels;
};
// Errors as above; unsupported: id that is not "TD_QE", version that is not 2.
Result<TdxQeIdentity> parse_tdx_qe_identity(std::string_view body);

}  // namespace attestd
