// AMD's Key Distribution Service: where it serves what.
// Source: AMD 57230 "VCEK Certificate and KDS Interface Specification",
// revision 1.00, chapter 4.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "evidence/snp_report.h"

namespace attestd {

inline constexpr std::string_view amd_kds_url = "https://kdsintf.amd.com";

// The VCEK certificate (DER) of a chip at a TCB. `chip_id`: 64 bytes as in reports; Turin's
// URL has its first 8 only. `base`: amd_kds_url, or a mirror of the same paths.
std::string amd_vcek_url(std::string_view base, SnpProduct product, ByteView chip_id, std::uint64_t tcb);
// ASK or ASVK, and ARK, in one PEM. `kind`: "VCEK" or "VLEK".
std::string amd_chain_url(std::string_view base, SnpProduct product, std::string_view kind);
// The ARK's revocation list (DER).
std::string amd_crl_url(std::string_view base, SnpProduct product, std::string_view kind);

}  // namespace attestd
