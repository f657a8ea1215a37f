#include "evidence/ssh_key.h"

#include "base/encoding.h"
#include "tests/catch.h"

namespace attestd {
namespace {

// Made with ssh-keygen; the fingerprints are those of ssh-keygen -l.
constexpr std::string_view ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEkACUkG5cH48V/RB1TMGsQAIW7F/ze4O1sspG9ryahH";
constexpr std::string_view ecdsa =
    "ecdsa-sha2-nistp256 "
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBBCj1P5Cpyrv5tVieGbjFmv/"
    "CThz0HVVeDsJIXDtRIuKyjnEEd7A3lqWubdXrB/ukk1rsTvjA/givQqHRDisZ2M=";

std::string with(std::string_view key, std::string_view tail) { return std::string(key) + std::string(tail); }

std::string line_of(std::string_view type, std::string_view inner, std::string_view material) {
  Writer blob;
  blob.be32(static_cast<std::uint32_t>(inner.size())).raw(as_bytes(inner)).raw(as_bytes(material));
  return std::string(type) + ' ' + to_base64(blob.bytes());
}

}  // namespace

TEST_CASE("a public key is read with or without a comment, and written without") {
  for (const std::string_view tail : {"", " ", " someone@example", " two words", "\n", " c\r\n"}) {
    const auto key = parse_ssh_public_key(with(ed25519, tail));
    REQUIRE(key);
    CHECK(key->type == "ssh-ed25519");
    CHECK(key->blob.size() == 51);
    CHECK(key->line() == ed25519);
  }
}

TEST_CASE("the fingerprint is the one that ssh-keygen prints") {
  CHECK(parse_ssh_public_key(ed25519).value().fingerprint() == "SHA256:zGQ1GaFKPaCJZaa/k2WXWqdDpoguhSKQj6JI7HOQrVQ");
  CHECK(parse_ssh_public_key(ecdsa).value().fingerprint() == "SHA256:hz9+OM4v6vwhMOZe4l9fNqfX4rjRs4yPgXk4BIjxljU");
}

TEST_CASE("keys that could smuggle something into known_hosts, or are none, are refused") {
  struct Case {
    std::string line;
    Errc code;
  };
  const std::vector<Case> cases{
      {"", Errc::malformed},
      {"ssh-ed25519", Errc::truncated},
      {"ssh-ed25519 ", Errc::truncated},
      {with(ed25519, "\n@cert-authority * ssh-ed25519 AAAA"), Errc::malformed},
      {with(ed25519, " comment\x1b[2J"), Errc::malformed},
      {with(ed25519, "\t"), Errc::malformed},
      {with(ed25519, std::string_view("\0", 1)), Errc::malformed},
      {with(" ", ed25519), Errc::malformed},
      {line_of("SSH-ED25519", "SSH-ED25519", "x"), Errc::malformed},
      {line_of("ssh-*", "ssh-*", "x"), Errc::malformed},
      {line_of("ssh-rsa", "ssh-ed25519", "x"), Errc::mismatch},
      {line_of("ssh-ed25519", "ssh-ed25519", ""), Errc::truncated},
      {"ssh-ed25519 AAAA", Errc::truncated},
      {"ssh-ed25519 AAAAC3Nz", Errc::truncated},
      {with(ed25519, "!"), Errc::malformed},
      {"ssh-ed25519 not*base64", Errc::malformed},
      {line_of("ssh-rsa", "ssh-rsa", std::string(20000, 'x')), Errc::out_of_range},
  };
  for (const Case& c : cases) {
    INFO(c.line.substr(0, 100));
    const auto key = parse_ssh_public_key(c.line);
    REQUIRE_FALSE(key);
    CHECK(key.error().code == c.code);
  }
}

}  // namespace attestd
