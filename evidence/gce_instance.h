// Which instance of Google Compute Engine a vTPM's key was certified for: the
// extension 1.3.6.1.4.1.11129.2.1.21 of AK and EK certificates.
// Source: google/go-tpm-tools server/instance_info.go (its ASN.1 structure), and
// genuine certificates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"

namespace attestd {

struct GceInstance {
  std::string zone;  // "us-central1-a"
  std::uint64_t project_number = 0;
  std::string project_id;
  std::uint64_t instance_id = 0;
  std::string instance_name;
  std::optional<std::uint64_t> security_version;
  std::optional<bool> production;  // not one of Google's own tests

  friend bool operator==(const GceInstance&, const GceInstance&) = default;
};

// The extension's value, DER. Texts of over 256 bytes, and numbers that are negative
// or over 64 bits, are errors; security properties of unknown tag are passed over.
Result<GceInstance> parse_gce_instance(ByteView der);
Bytes encode_gce_instance(const GceInstance& instance);

}  // namespace attestd
