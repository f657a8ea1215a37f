// The body of POST /v1/evidence, from any local user.
#include "agent/evidence_request.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  const auto request = agent::parse_evidence_request({reinterpret_cast<const char*>(data), size});
  if (!request) {
    if (problem_json(request.error()).empty()) std::abort();
    return 0;
  }
  if (request->nonce.size() < nonce_min_size || request->nonce.size() > nonce_max_size) std::abort();
  if (request->workload.has_value() != (request->purpose == Purpose::workload)) std::abort();
  return 0;
}
