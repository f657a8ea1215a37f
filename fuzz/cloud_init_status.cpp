// cloud-init's status.json, written by software of the guest that its user data configures.
#include "agent/provisioning.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  [[maybe_unused]] const auto claim =
      attestd::agent::parse_cloud_init_status(attestd::as_text(std::as_bytes(std::span(data, size))));
  return 0;
}
