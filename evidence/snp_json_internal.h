// An SNP report as JSON, for `inspect` and for claims. For .cpp files only.
#pragma once

#include <boost/json/object.hpp>
#include <optional>

#include "evidence/snp_report.h"

namespace attestd {

// All fields but the signature under the specification's names; byte strings
// and raw 64-bit values in hexadecimal. TCBs are split into components only when the product is known.
boost::json::object snp_report_to_json(const SnpReport& report, std::optional<SnpProduct> product);

}  // namespace attestd
