#include "broker/attestation_result.h"
#include "broker/config.h"
#include "broker/http_headers.h"
#include "broker/rotation.h"

#include <cstdlib>
#include <span>

// What comes in headers, in bodies, in tokens (which only we sign), and in the configuration.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  using namespace attestd::broker;
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  if (cookie_value(text, "kbs-session-id").find(';') != std::string_view::npos) std::abort();
  if (bearer_token(text).starts_with(' ')) std::abort();
  if (const auto result = parse_claims(text)) {
    if (!parse_claims(encode_claims(*result, "fuzz"))) std::abort();
  }
  (void)parse_config(text, "fuzz");
  if (const auto rotation = parse_rotation_request(text)) {
    if (rotation->key.size() < rotation_key_min_size || rotation->key.size() > rotation_key_max_size) std::abort();
  }
  return 0;
}
