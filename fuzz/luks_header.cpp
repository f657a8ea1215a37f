// The input is JSON that goes into both headers of a volume, or, when it starts as a
// header does, those headers from their start. Both are given checksums that fit: the
// host can do that too.
#include <algorithm>
#include <cstdlib>

#include "evidence/digest.h"
#include "luks/header.h"
#include "luks/token.h"
#include "luks/validate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using namespace attestd;

constexpr std::size_t header_size = luks::smallest_header;
constexpr std::size_t checksum_offset = 448;
constexpr std::uint64_t device_size = std::uint64_t{64} << 20U;

void seal(std::span<std::byte> header) {
  const auto checksum = header.subspan(checksum_offset, 64);
  std::ranges::fill(checksum, std::byte{0});
  std::ranges::copy(digest(HashAlgorithm::sha256, {header}), checksum.begin());
}

Bytes around(ByteView json) {
  Bytes out;
  for (const bool secondary : {false, true}) {
    Writer header;
    header.raw(as_bytes(secondary ? "SKUL\xba\xbe" : "LUKS\xba\xbe")).be16(2).be64(header_size).be64(3).zeros(48);
    header.raw(as_bytes("sha256")).zeros(26).zeros(64).raw(as_bytes("bf07d336-2adc-4a6e-a6bc-0e96da3b34be")).zeros(4);
    header.zeros(48).be64(secondary ? header_size : 0).zeros(luks::binary_header_size - 264);
    header.raw(json.first(std::min(json.size(), header_size - luks::binary_header_size)));
    Bytes whole = header.take();
    whole.resize(header_size);
    out.insert(out.end(), whole.begin(), whole.end());
  }
  return out;
}

bool printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  (void)luks::parse_binary_header(input, luks::Copy::primary);
  Bytes headers = as_text(input).starts_with("LUKS") ? to_bytes(input) : around(input);
  headers.resize(std::max(headers.size(), 2 * header_size));
  seal(std::span(headers).first(header_size));
  seal(std::span(headers).subspan(header_size, header_size));

  const auto header = luks::parse_header(headers, device_size);
  if (!header) return 0;
  if (header->metadata_size() > luks::metadata_limit) std::abort();
  for (const luks::Keyslot& slot : header->keyslots) {
    if (slot.area_offset < 2 * header_size || slot.area_offset + slot.area_size > header->metadata_size()) std::abort();
  }
  for (const luks::Segment& segment : header->segments) {
    if (segment.offset < header->metadata_size() || segment.offset >= device_size) std::abort();
  }
  for (const luks::Token& token : header->tokens) {
    if (!printable(luks::describe_token(token))) std::abort();
  }
  for (const luks::Objection& objection : luks::validate(*header, {})) {
    if (!printable(objection.text)) std::abort();
  }
  luks::Expectation enrolled;
  enrolled.kdf = luks::random_key_rule();
  if (!luks::require_valid(*header, enrolled)) return 0;
  // What is accepted is encrypted, in one segment, with a key that is stored encrypted.
  if (header->segments.size() != 1 || header->segments.front().encryption != "aes-xts-plain64") std::abort();
  for (const luks::Keyslot& slot : header->keyslots) {
    if (slot.area_encryption != "aes-xts-plain64" || slot.key_size != 64) std::abort();
  }
  return 0;
}
