// Whatever parses encodes to the same token, and is described in printable text.
#include "luks/token.h"
#include "luks/unlock_socket.h"

#include <algorithm>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  const std::string json(as_text(std::as_bytes(std::span(data, size))));
  for (const std::string_view type : {"attestd", "systemd-tpm2", "systemd-fido2", "luks2-keyring"}) {
    luks::Token token;
    token.type = type;
    token.json = json;
    const std::string text = luks::describe_token(token);
    if (!std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; })) std::abort();
  }
  if (const auto uuid = luks::uuid_of_address(json); uuid && (uuid->size() != 36 || !json.ends_with(*uuid)))
    std::abort();
  const auto token = luks::parse_unlock_token(json);
  if (!token) return 0;
  const auto encoded = luks::encode_unlock_token(*token);
  if (!encoded) std::abort();
  const auto again = luks::parse_unlock_token(*encoded);
  if (!again || again->keyslots != token->keyslots || again->method != token->method ||
      again->resource != token->resource || again->generation != token->generation ||
      again->vtpm.has_value() != token->vtpm.has_value() || luks::encode_unlock_token(*again) != *encoded) {
    std::abort();
  }
  return 0;
}
