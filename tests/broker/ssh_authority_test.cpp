#include "broker/ssh_authority.h"

#include <limits>

#include "tests/catch.h"

namespace attestd::broker {
namespace {

constexpr std::string_view host_key =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEkACUkG5cH48V/RB1TMGsQAIW7F/ze4O1sspG9ryahH";

const SshAuthority& authority() {
  static const SshAuthority one = SshAuthority::make().value();
  return one;
}

SshHostCertificate form() {
  SshHostCertificate out;
  out.key = parse_ssh_public_key(host_key).value();
  out.serial = 77;
  out.key_id = "attest-broker:web";
  out.principals = {"vm.example", "192.0.2.1"};
  out.valid_after = 1000;
  out.valid_before = 2000;
  return out;
}

}  // namespace

TEST_CASE("a host certificate is read back as it was signed") {
  const auto blob = authority().sign(form());
  REQUIRE(blob);
  CHECK(blob->type == "ssh-ed25519-cert-v01@openssh.com");
  const auto line = parse_ssh_public_key(blob->line());
  REQUIRE(line);
  const auto read = parse_ssh_host_certificate(*line);
  REQUIRE(read);
  CHECK(read->key == form().key);
  CHECK(read->serial == 77);
  CHECK(read->key_id == "attest-broker:web");
  CHECK(read->principals == form().principals);
  CHECK(read->valid_after == 1000);
  CHECK(read->valid_before == 2000);
  CHECK(read->authority == authority().public_key());
  CHECK(ssh_subject_key(*blob) == form().key);
  CHECK(ssh_subject_key(form().key) == form().key);
}

TEST_CASE("a certificate that was changed in any bit is refused") {
  const auto blob = authority().sign(form());
  REQUIRE(blob);
  for (std::size_t i = 0; i < blob->blob.size() * 8; ++i) {
    SshPublicKey changed = *blob;
    changed.blob[i / 8] ^= std::byte{1} << (i % 8);
    CHECK_FALSE(parse_ssh_host_certificate(changed));
  }
  for (std::size_t size = 0; size < blob->blob.size(); ++size) {
    SshPublicKey cut = *blob;
    cut.blob.resize(size);
    CHECK_FALSE(parse_ssh_host_certificate(cut));
  }
}

TEST_CASE("what no certificate may say is not signed") {
  const auto refused = [](auto change) {
    SshHostCertificate wrong = form();
    change(wrong);
    const auto made = authority().sign(wrong);
    REQUIRE_FALSE(made);
    return made.error().code;
  };
  CHECK(refused([](auto& c) { c.principals.clear(); }) == Errc::malformed);
  CHECK(refused([](auto& c) { c.principals = {"*"}; }) == Errc::malformed);
  CHECK(refused([](auto& c) { c.principals = {"a,b"}; }) == Errc::malformed);
  CHECK(refused([](auto& c) { c.principals.assign(257, "a"); }) == Errc::out_of_range);
  CHECK(refused([](auto& c) { c.valid_before = c.valid_after; }) == Errc::out_of_range);
  CHECK(refused([](auto& c) { c.valid_after = -1; }) == Errc::out_of_range);
  CHECK(refused([](auto& c) { c.key.type = "ssh-dss"; }) == Errc::unsupported);
  CHECK(refused([](auto& c) { c.key.blob.push_back({}); }) == Errc::malformed);
  CHECK(refused([](auto& c) { c.key.blob.pop_back(); }) == Errc::truncated);
}

TEST_CASE("the same seed is the same authority, and a seed of another size is none") {
  auto seed = SecretBytes::copy_of(authority().seed());
  REQUIRE(seed);
  CHECK(SshAuthority::load(*std::move(seed))->public_key() == authority().public_key());
  CHECK(SshAuthority::load(SecretBytes::make(31).value()).error().code == Errc::malformed);
  CHECK(SshAuthority::make()->public_key() != authority().public_key());
}

}  // namespace attestd::broker
