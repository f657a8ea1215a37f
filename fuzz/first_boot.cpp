#include <cstdlib>
#include <span>

#include "unlock/enrolment_token.h"
#include "unlock/survey.h"

// A disk's first bytes, SMBIOS's table, and a token: all of them the host's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  using namespace attestd::unlock;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  const std::uint64_t device_size = size + (std::uint64_t{1} << 30U);
  const Survey survey = survey_disk(bytes, device_size);
  if (survey.found.empty() || survey.filesystem_size > device_size) std::abort();
  if ((survey.kind == DiskKind::ext) != (survey.filesystem_size > 0)) std::abort();
  if (const auto found = find_oem_string(bytes, "attestd.")) {
    if (as_text(bytes).find("attestd." + *found) == std::string_view::npos) std::abort();
  }
  if (const auto token = parse_enrolment_token(as_text(bytes)); token && token->size() % 2 != 0) std::abort();
  return 0;
}
