// Certificates in PEM (RFC 7468).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace attestd {

// The contents of every "CERTIFICATE" block, base64-decoded; text around blocks is
// passed over, and what is in them is not looked at. None at all is no error. Errors:
// truncated (no END line), malformed (no base64).
Result<std::vector<Bytes>> certificates_from_pem(std::string_view text);
// One such block, in lines of 64 characters.
std::string certificate_to_pem(ByteView der);

}  // namespace attestd
