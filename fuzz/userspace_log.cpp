#include <cstdlib>
#include <span>

#include "evidence/event_log.h"
#include "evidence/tpm_json.h"

// What parses must replay and print.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView bytes = std::as_bytes(std::span(data, size));
  const auto events = attestd::parse_userspace_log(bytes);
  if (!events) return 0;
  attestd::PcrBank values;
  attestd::replay(*events, attestd::HashAlgorithm::sha256, values);
  if (!values.empty() && values.rbegin()->first > 23) std::abort();
  if (attestd::userspace_log_to_json(*events).empty()) std::abort();
  for (const char c : attestd::userspace_log_to_text(*events)) {
    if ((c < ' ' && c != '\n') || c > '~') std::abort();
  }
  return 0;
}
