#include "evidence/openssh_private_key.h"

#include <optional>

namespace attestd {
namespace {

constexpr std::string_view armor_begin = "-----BEGIN OPENSSH PRIVATE KEY-----";
constexpr std::string_view magic{"openssh-key-v1\0", 15};
constexpr std::uint32_t field_limit = 8192;  // bytes; an RSA key of 16384 bits has a blob of 2071

std::optional<unsigned> base64_digit(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<unsigned>(c - 'A');
  if (c >= 'a' && c <= 'z') return static_cast<unsigned>(c - 'a') + 26U;
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0') + 52U;
  if (c == '+') return 62U;
  if (c == '/') return 63U;
  return std::nullopt;
}

// Decodes base64 across line ends, just as many bytes as are asked for.
class ArmorReader {
 public:
  explicit ArmorReader(std::string_view text) : text_(text) {}

  Result<Bytes> take(std::size_t count, std::string_view what) {
    Bytes out;
    out.reserve(count);
    while (out.size() < count) {
      if (bits_ >= 8) {
        bits_ -= 8;
        out.push_back(static_cast<std::byte>((window_ >> bits_) & 0xffU));
        continue;
      }
      if (position_ >= text_.size())
        return fail_at(Errc::truncated, position_, "the key file ends in " + std::string(what));
      const char c = text_[position_];
      if (c == '\n' || c == '\r') {
        ++position_;
        continue;
      }
      const auto digit = base64_digit(c);
      if (!digit) {
        const bool end = c == '=' || c == '-';
        return fail_at(end ? Errc::truncated : Errc::malformed, position_,
                       end ? "the key file ends in " + std::string(what) : std::string("not a base64 character"));
      }
      window_ = ((window_ << 6U) | *digit) & 0xffffU;
      bits_ += 6;
      ++position_;
    }
    return out;
  }

  Result<std::uint32_t> u32(std::string_view what) {
    ATTESTD_TRY(const Bytes bytes, take(4, what));
    return Reader(bytes).be32(what);
  }

  // RFC 4251 section 5, string.
  Result<Bytes> string(std::string_view what) {
    ATTESTD_TRY(const std::uint32_t size, u32(what));
    if (size > field_limit)
      return fail_at(Errc::malformed, position_, "the length of " + std::string(what) + " is absurd");
    return take(size, what);
  }

 private:
  std::string_view text_;
  std::size_t position_ = 0;
  unsigned window_ = 0;
  unsigned bits_ = 0;
};

}  // namespace

Result<SshPublicKey> openssh_public_part(std::string_view file) {
  if (!file.starts_with(armor_begin)) return fail(Errc::unsupported, "not an OpenSSH private key file");
  ArmorReader reader(file.substr(armor_begin.size()));
  ATTESTD_TRY(const Bytes found_magic, reader.take(magic.size(), "its magic"));
  if (as_text(found_magic) != magic) return fail(Errc::malformed, "not an openssh-key-v1 container");
  for (const std::string_view field :
       {"the cipher's name", "the key derivation's name", "the key derivation's options"}) {
    ATTESTD_CHECK(reader.string(field));
  }
  ATTESTD_TRY(const std::uint32_t count, reader.u32("the number of keys"));
  if (count != 1) return fail(Errc::unsupported, "the file holds " + std::to_string(count) + " keys, not one");
  ATTESTD_TRY(Bytes blob, reader.string("the public key"));
  Reader inner(blob);
  ATTESTD_TRY(const std::uint32_t type_size, inner.be32("the key type's length"));
  ATTESTD_TRY(const ByteView type, inner.take(type_size, "the key type"));
  // One set of rules for what a key line may hold.
  return parse_ssh_public_key(SshPublicKey{std::string(as_text(type)), std::move(blob)}.line());
}

}  // namespace attestd
