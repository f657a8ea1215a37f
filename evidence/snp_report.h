// The SEV-SNP attestation report.
// Source: AMD 56860 "SEV Secure Nested Paging Firmware ABI Specification",
// revision 1.58, section 7.3, table 23 (ATTESTATION_REPORT). Versions 2, 3, 4 and 5.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace attestd {

inline constexpr std::size_t snp_report_size = 1184;          // 0x4a0 bytes
inline constexpr std::size_t snp_report_signed_size = 0x2a0;  // the signature is over bytes 0 to 0x29f

// A processor line: it chooses the root of trust and the layout of TCB_VERSION.
enum class SnpProduct { milan, genoa, turin };
std::string_view snp_product_name(SnpProduct product);  // "Milan", "Genoa", "Turin"
std::optional<SnpProduct> snp_product_from_name(std::string_view name);
// From CPUID Fn8000_0001 family (extended plus base, 0x19 or 0x1a) and model.
std::optional<SnpProduct> snp_product_from_cpuid(std::uint8_t family, std::uint8_t model);

// TCB_VERSION, 8 bytes (56860 section 2.2): security version numbers by component.
struct SnpTcb {
  std::optional<std::uint8_t> fmc;  // Turin only
  std::uint8_t bootloader = 0;
  std::uint8_t tee = 0;
  std::uint8_t snp = 0;
  std::uint8_t microcode = 0;
  bool operator==(const SnpTcb&) const = default;
};
// `raw` is the little-endian 64-bit value of the field.
SnpTcb decode_snp_tcb(std::uint64_t raw, SnpProduct product);
std::uint64_t encode_snp_tcb(const SnpTcb& tcb, SnpProduct product);

// Guest policy, 8 bytes (56860 section 4.3, table 9).
struct SnpGuestPolicy {
  std::uint64_t raw = 0;
  [[nodiscard]] std::uint8_t abi_minor() const { return raw & 0xff; }
  [[nodiscard]] std::uint8_t abi_major() const { return (raw >> 8) & 0xff; }
  [[nodiscard]] bool smt() const { return bit(16); }
  [[nodiscard]] bool migrate_ma() const { return bit(18); }
  [[nodiscard]] bool debug() const { return bit(19); }
  [[nodiscard]] bool single_socket() const { return bit(20); }
  [[nodiscard]] bool cxl_allowed() const { return bit(21); }
  [[nodiscard]] bool mem_aes_256_xts() const { return bit(22); }
  [[nodiscard]] bool rapl_disabled() const { return bit(23); }
  [[nodiscard]] bool ciphertext_hiding() const { return bit(24); }
  [[nodiscard]] bool page_swap_disabled() const { return bit(25); }

 private:
  [[nodiscard]] bool bit(unsigned n) const { return ((raw >> n) & 1) != 0; }
};

// Which key signed, bits 4:2 of the dword at 0x48.
enum class SnpSigningKey : std::uint8_t { vcek = 0, vlek = 1, none = 7 };

struct SnpFirmwareVersion {
  std::uint8_t build = 0;
  std::uint8_t minor = 0;
  std::uint8_t major = 0;
};

struct SnpReport {
  std::uint32_t version = 0;              // 0x000
  std::uint32_t guest_svn = 0;            // 0x004
  SnpGuestPolicy policy;                  // 0x008
  FixedBytes<16> family_id{};             // 0x010
  FixedBytes<16> image_id{};              // 0x020
  std::uint32_t vmpl = 0;                 // 0x030
  std::uint32_t signature_algorithm = 0;  // 0x034, 1 is ECDSA P-384 with SHA-384
  std::uint64_t current_tcb = 0;          // 0x038, raw: decode with the product
  std::uint64_t platform_info = 0;        // 0x040, table 24
  std::uint32_t key_flags = 0;            // 0x048
  FixedBytes<64> report_data{};           // 0x050
  FixedBytes<48> measurement{};           // 0x090, the launch digest
  FixedBytes<32> host_data{};             // 0x0c0
  FixedBytes<48> id_key_digest{};         // 0x0e0
  FixedBytes<48> author_key_digest{};     // 0x110
  FixedBytes<32> report_id{};             // 0x140
  FixedBytes<32> report_id_ma{};          // 0x160
  std::uint64_t reported_tcb = 0;         // 0x180
  std::uint8_t cpuid_family = 0;          // 0x188, versions 3 on: extended plus base family
  std::uint8_t cpuid_model = 0;           // 0x189
  std::uint8_t cpuid_stepping = 0;        // 0x18a
  FixedBytes<64> chip_id{};               // 0x1a0
  std::uint64_t committed_tcb = 0;        // 0x1e0
  SnpFirmwareVersion current_firmware;    // 0x1e8
  SnpFirmwareVersion committed_firmware;  // 0x1ec
  std::uint64_t launch_tcb = 0;           // 0x1f0
  std::uint64_t launch_mitigations = 0;   // 0x1f8, versions 5 on
  std::uint64_t current_mitigations = 0;  // 0x200, versions 5 on
  FixedBytes<72> signature_r{};           // 0x2a0, little-endian
  FixedBytes<72> signature_s{};           // 0x2e8, little-endian

  [[nodiscard]] bool author_key_present() const { return (key_flags & 1) != 0; }
  [[nodiscard]] bool chip_key_masked() const { return (key_flags & 2) != 0; }
  // The raw 3-bit field may hold a reserved value: compare, do not switch.
  [[nodiscard]] SnpSigningKey signing_key() const { return static_cast<SnpSigningKey>((key_flags >> 2) & 7); }
  // Nothing in version 2, which carries no CPUID: take it from the certificate.
  [[nodiscard]] std::optional<SnpProduct> product() const;
};

// Errors: truncated (under 1184 bytes), out_of_range (more), unsupported
// (version not 2 to 5), malformed (a reserved, must-be-zero field is not zero).
Result<SnpReport> parse_snp_report(ByteView bytes);
// The inverse, 1184 bytes; reserved fields are zero.
Bytes encode_snp_report(const SnpReport& report);

}  // namespace attestd
