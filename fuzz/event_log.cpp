#include <cstdlib>
#include <span>

#include "evidence/event_facts.h"
#include "evidence/event_log.h"
#include "evidence/tpm_json.h"

// What parses must replay and print, with its events inside the input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const attestd::ByteView bytes = std::as_bytes(std::span(data, size));
  const auto log = attestd::parse_event_log(bytes);
  if (!log) return 0;
  for (const attestd::Event& event : log->events) {
    if (event.offset + event.data.size() > size) std::abort();
  }
  if (log->padding > size) std::abort();
  for (const attestd::HashAlgorithm bank : log->algorithms) {
    for (const auto& [index, value] : attestd::replay(*log, bank)) {
      if (index > 23 || value.size() != attestd::hash_size(bank)) std::abort();
    }
  }
  if (attestd::event_log_to_json(*log).empty()) std::abort();
  // Nothing that a terminal would obey.
  for (const char c : attestd::event_log_to_text(*log)) {
    if ((c < ' ' && c != '\n') || c > '~') std::abort();
  }
  return 0;
}
