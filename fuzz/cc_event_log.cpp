// A trimmed log replays to the same registers, whatever lies behind it.
#include "evidence/ccel.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView input(reinterpret_cast<const std::byte*>(data), size);
  const auto log = attestd::parse_cc_event_log(input);
  const attestd::Bytes trimmed = attestd::trim_cc_event_log(input);
  if (!log) {
    if (trimmed.size() != input.size()) std::abort();
    return 0;
  }
  const auto again = attestd::parse_cc_event_log(trimmed);
  if (!again || attestd::replay_rtmrs(*again) != attestd::replay_rtmrs(*log)) std::abort();
  (void)attestd::cc_measured_secure_boot(*log);
  return 0;
}
