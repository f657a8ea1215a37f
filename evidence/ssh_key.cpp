#include "evidence/ssh_key.h"

#include <algorithm>

#include "base/encoding.h"
#include "evidence/digest.h"

namespace attestd {
namespace {

constexpr std::size_t line_limit = std::size_t{16} * 1024;

bool type_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '@' || c == '.' || c == '-';
}

bool control_character(char c) {
  const auto value = static_cast<unsigned char>(c);
  return value < 0x20 || value == 0x7f;
}

}  // namespace

std::string SshPublicKey::line() const { return type + ' ' + to_base64(blob); }

std::string SshPublicKey::fingerprint() const {
  std::string text = to_base64(digest(HashAlgorithm::sha256, {blob}));
  while (text.ends_with('=')) text.pop_back();
  return "SHA256:" + text;
}

Result<SshPublicKey> parse_ssh_public_key(std::string_view line) {
  if (line.size() > line_limit) return fail(Errc::out_of_range, "ssh key line is longer than 16 KiB");
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  const auto control = std::ranges::find_if(line, control_character);
  if (control != line.end()) {
    return fail_at(Errc::malformed, static_cast<std::size_t>(control - line.begin()),
                   "ssh key line has a control character");
  }
  const std::size_t space = line.find(' ');
  const std::string_view type = line.substr(0, space);
  if (type.empty() || !std::ranges::all_of(type, type_character)) {
    return fail_at(Errc::malformed, 0, "ssh key line does not start with a key type");
  }
  const std::size_t start = space == std::string_view::npos ? space : line.find_first_not_of(' ', space);
  if (start == std::string_view::npos) return fail_at(Errc::truncated, line.size(), "ssh key line ends after its type");
  const std::string_view encoded = line.substr(start, line.find(' ', start) - start);
  auto blob = from_base64(encoded);
  if (!blob) {
    Error error = std::move(blob).error().in("ssh key");
    if (error.offset) *error.offset += start;
    return std::unexpected(std::move(error));
  }
  Reader reader(*blob);
  ATTESTD_TRY(const std::uint32_t size, reader.be32("length of the ssh key's type"));
  ATTESTD_TRY(const ByteView inner, reader.take(size, "ssh key's type"));
  if (as_text(inner) != type) {
    return fail(Errc::mismatch, "ssh key line says " + std::string(type) + " but its blob is of another type");
  }
  if (reader.empty()) return fail(Errc::truncated, "ssh key has no key material after its type");
  return SshPublicKey{std::string(type), *std::move(blob)};
}

}  // namespace attestd
