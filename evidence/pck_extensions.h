// The SGX extension of a provisioning certification key's (PCK) certificate.
// Source: Intel "SGX PCK Certificate and Certificate Revocation List Profile
// Specification", revision 1.5, section 1.3.5 (OID 1.2.840.113741.1.13.1).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace attestd {

inline constexpr std::string_view pck_extension_oid = "1.2.840.113741.1.13.1";

struct PckExtensions {
  FixedBytes<16> ppid{};                               // .1, as certified: it names the platform
  std::array<std::uint8_t, 16> sgx_components{};       // .2.1 to .2.16
  std::uint16_t pcesvn = 0;                            // .2.17
  FixedBytes<16> cpusvn{};                             // .2.18
  FixedBytes<2> pce_id{};                              // .3
  FixedBytes<6> fmspc{};                               // .4
  std::uint8_t sgx_type = 0;                           // .5: 0 standard, 1 scalable, 2 scalable with integrity
  std::optional<FixedBytes<16>> platform_instance_id;  // .6, certificates of the Platform CA
  // .7, likewise; absent when Intel does not know.
  std::optional<bool> dynamic_platform, cached_keys, smt_enabled;
};

// `value`: what the extension's OCTET STRING holds. Errors: truncated, malformed
// (a member missing, twice, or of another type than the profile's).
Result<PckExtensions> parse_pck_extensions(ByteView value);

// The inverse, for signers. Nothing but what the structure holds.
Bytes encode_pck_extensions(const PckExtensions& extensions);

}  // namespace attestd
