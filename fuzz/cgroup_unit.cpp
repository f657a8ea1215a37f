// /proc/PID/cgroup of whoever asks.
#include <cstdlib>

#include "agent/peer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string unit = attestd::agent::unit_of_cgroup({reinterpret_cast<const char*>(data), size});
  if (unit.size() > 255 || unit.find_first_of("/\n") != std::string::npos) std::abort();
  return 0;
}
