#include "gateway/certificate_bundle.h"

#include "evidence/bundle.h"

namespace attestd::gateway {

Result<std::string> bundle_for_certificate(std::string_view bundle) {
  ATTESTD_TRY(Bundle parts, parse_bundle(bundle));
  parts.firmware_event_log.clear();
  parts.userspace_event_log.clear();
  parts.cc_event_log.clear();
  return encode_bundle(parts);
}

}  // namespace attestd::gateway
