// The small messages, of client and server. What parses must encode to something that
// parses to the same.
#include <cstdlib>

#include "kbs/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  if (const auto request = kbs::parse_request(text)) {
    const std::string once = kbs::encode_request(*request);
    const auto again = kbs::parse_request(once);
    must(again && again->tee == request->tee && kbs::encode_request(*again) == once);
    const auto hash = kbs::choose_hash(*request);
    if (hash) must(kbs::choose_hash(*again) == *hash);
  }
  if (const auto challenge = kbs::parse_challenge(text)) {
    const auto again = kbs::parse_challenge(kbs::encode_challenge(*challenge));
    must(again && again->nonce == challenge->nonce && again->hash_algorithm == challenge->hash_algorithm);
  }
  if (const auto token = kbs::parse_token(text)) must(kbs::parse_token(kbs::encode_token(*token)) == *token);
  (void)kbs::parse_error(text);
  if (const auto resource = kbs::parse_resource_path(text)) {
    must(kbs::parse_resource_path(kbs::resource_path(*resource)) == *resource);
  }
  return 0;
}
