#include "broker/challenge.h"

#include <cstdlib>

// No token that we did not make is taken, and ours come back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  using namespace attestd::broker;
  static const ChallengeKey key(SecretBytes::copy_of(as_bytes("a key of thirty-two bytes, fixed")).value());
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  if (key.open(text, 0)) std::abort();
  Challenge challenge;
  challenge.nonce = Bytes(challenge_nonce_size);
  challenge.expires_at = 1;
  challenge.selector = text.substr(0, 64);
  const auto token = key.seal(challenge);
  const auto opened = token ? key.open(*token, 0) : std::unexpected(token.error());
  if (!opened || opened->selector != challenge.selector) std::abort();
  return 0;
}
