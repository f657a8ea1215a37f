// What parses is within the limits that it is used with.
#include <algorithm>
#include <cstdlib>

#include "luks/token.h"
#include "vtpm/systemd_token.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  const auto token = vtpm::parse_systemd_token(as_text(std::as_bytes(std::span(data, size))));
  if (!token) return 0;
  const auto good = [](const std::vector<unsigned>& pcrs) {
    return std::ranges::is_sorted(pcrs) && std::ranges::all_of(pcrs, [](unsigned pcr) { return pcr < 24; });
  };
  if (token->blob.empty() || token->blob.size() > luks::sealed_blob_limit || token->policy_hash.size() != 32 ||
      !good(token->pcrs) || !good(token->signed_pcrs) || token->policy_key.empty() != token->signed_pcrs.empty()) {
    std::abort();
  }
  return 0;
}
