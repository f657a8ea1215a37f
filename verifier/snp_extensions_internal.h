// AMD's extensions in VCEK and VLEK certificates.
// Source: AMD 57230 "VCEK Certificate and KDS Interface Specification", tables 10
// and 11. For .cpp files only.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/openssl_internal.h"
#include "evidence/snp_report.h"

namespace attestd {

struct SnpLeafExtensions {
  std::string product_name;  // "Milan-B0"
  std::optional<SnpProduct> product;
  std::uint8_t bootloader = 0, tee = 0, snp = 0, microcode = 0;
  std::optional<std::uint8_t> fmc;             // Turin
  std::array<std::uint8_t, 4> reserved_spl{};  // spl4 to spl7; zero when absent
  std::optional<Bytes> hardware_id;            // VCEK: 64 bytes, Turin 8
  std::optional<std::string> csp_id;           // VLEK
};

// Errors: malformed (an extension twice, missing, or of another type).
Result<SnpLeafExtensions> parse_snp_extensions(const X509* certificate);

// TCB_VERSION as a report of the product must have it.
std::uint64_t snp_tcb_of(const SnpLeafExtensions& extensions, SnpProduct product);

}  // namespace attestd
