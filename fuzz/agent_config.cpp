// attestd.toml: the administrator's, but often written by a provisioning agent.
#include "agent/config.h"
#include "base/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  [[maybe_unused]] const auto config =
      attestd::agent::parse_config(attestd::as_text(std::as_bytes(std::span(data, size))), "attestd.toml");
  return 0;
}
