#include "agent/host_keys.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "agent/sshd_config.h"
#include "base/file.h"
#include "evidence/openssh_private_key.h"
#include "tests/agent/running_agent.h"
#include "tests/catch.h"

using namespace attestd;
using namespace attestd::agent;
using attestd::test::TemporaryFolder;

namespace {

constexpr const char* sshd = "/usr/sbin/sshd";
constexpr std::chrono::seconds patience{10};

void make_key(const std::string& path, const std::string& type, const std::string& more = "-N ''") {
  std::filesystem::remove(path);
  std::filesystem::remove(path + ".pub");
  REQUIRE(std::system(
              ("ssh-keygen -q -t " + type + " " + more + " -C 'a comment' -f " + path + " </dev/null").c_str()) == 0);
}

std::string public_line(const std::string& path) {
  const auto text = read_file(path + ".pub", 10000);
  REQUIRE(text);
  const auto key = parse_ssh_public_key(as_text(*text).substr(0, as_text(*text).find('\n')));
  REQUIRE(key);
  return key->line();
}

void write(const std::string& path, std::string_view text) { REQUIRE(replace_file(path, as_bytes(text), 0600)); }

}  // namespace

TEST_CASE("the public half of each kind of private key file is what ssh-keygen wrote beside it") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/key";
  for (const char* type : {"ed25519", "ecdsa", "rsa"}) {
    for (const char* more : {"-N ''", "-N secret", "-N '' -m PEM"}) {
      INFO(type << " " << more);
      make_key(path, type, more);
      const auto key = read_host_key(path);
      if (!key) FAIL(key.error().text());
      CHECK(key->line() == public_line(path));
      const bool pem =
          std::string_view(more).find("PEM") != std::string_view::npos && std::string_view(type) != "ed25519";
      std::filesystem::remove(path + ".pub");
      CHECK(read_host_key(path).has_value() == !pem);
    }
  }
}

TEST_CASE("a private key cut anywhere before the end of its public key is refused") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/key";
  make_key(path, "ed25519");
  const auto bytes = read_file(path, 10000);
  REQUIRE(bytes);
  const std::string_view text = as_text(*bytes);
  unsigned refused = 0;
  while (refused < text.size() && !openssh_public_part(text.substr(0, refused))) ++refused;
  CHECK(refused > 120);
  CHECK(refused < 220);
  CHECK(openssh_public_part(text));
}

TEST_CASE("a .pub that does not belong to its private key is refused") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/key";
  make_key(path, "ed25519");
  make_key(folder.path() + "/other", "ed25519");
  std::filesystem::copy_file(folder.path() + "/other.pub", path + ".pub",
                             std::filesystem::copy_options::overwrite_existing);
  const auto key = read_host_key(path);
  REQUIRE_FALSE(key);
  CHECK(key.error().code == Errc::mismatch);
}

TEST_CASE("a host key that cannot be used is said, and the others are still listed") {
  const TemporaryFolder folder;
  const std::string good = folder.path() + "/good";
  make_key(good, "ed25519");
  write(folder.path() + "/garbage", "not a key\n");
  std::filesystem::create_directory(folder.path() + "/folder");
  REQUIRE(::mkfifo((folder.path() + "/fifo").c_str(), 0600) == 0);
  Config::Ssh config;
  config.host_keys = {folder.path() + "/missing", folder.path() + "/garbage", folder.path() + "/folder",
                      folder.path() + "/fifo", good};
  HostKeys keys(config, patience);
  REQUIRE(keys.current().keys.size() == 1);
  CHECK(keys.current().keys[0].key.line() == public_line(good));
  REQUIRE(keys.current().problems.size() == 4);
  CHECK_THAT(keys.current().problems[0], Catch::Contains("/missing") && Catch::Contains("No such file"));
  CHECK_THAT(keys.current().problems[1], Catch::Contains("/garbage is no OpenSSH private key"));
}

TEST_CASE("a key that changed is read anew, one that did not is not") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/key";
  make_key(path, "ed25519");
  Config::Ssh config;
  config.host_keys = {path};
  HostKeys keys(config, patience);
  const std::string before = keys.current().keys.at(0).key.line();
  CHECK(keys.current().keys.at(0).key.line() == before);
  make_key(path, "ed25519");
  const std::string after = keys.current().keys.at(0).key.line();
  CHECK(after != before);
  CHECK(after == public_line(path));
}

TEST_CASE("sshd itself says which host keys it offers, and a changed configuration is noticed") {
  if (::access(sshd, X_OK) != 0) {
    WARN("skipped: no sshd here");
    return;
  }
  ::mkdir("/run/sshd", 0755);
  const TemporaryFolder folder;
  make_key(folder.path() + "/a", "ed25519");
  make_key(folder.path() + "/b", "ecdsa");
  write(folder.path() + "/more.conf", "HostKey " + folder.path() + "/a\n");
  write(folder.path() + "/config", "Include " + folder.path() + "/*.conf\n");
  Config::Ssh config;
  config.sshd = sshd;
  config.config = folder.path() + "/config";
  HostKeys keys(config, patience);
  INFO((keys.current().problems.empty() ? "" : keys.current().problems[0]));
  REQUIRE(keys.current().keys.size() == 1);
  CHECK(keys.current().keys[0].key.line() == public_line(folder.path() + "/a"));
  write(folder.path() + "/more.conf", "HostKey " + folder.path() + "/b\n");
  REQUIRE(keys.current().keys.size() == 1);
  CHECK(keys.current().keys[0].key.line() == public_line(folder.path() + "/b"));
  write(folder.path() + "/config", "NoSuchKeyword yes\n");
  CHECK(keys.current().keys.empty());
  REQUIRE(keys.current().problems.size() == 1);
  CHECK_THAT(keys.current().problems[0], Catch::Contains("NoSuchKeyword"));
}

TEST_CASE("sshd that hangs, fails or is missing is an error within the time") {
  const TemporaryFolder folder;
  const std::string script = folder.path() + "/sshd";
  write(script, "#!/bin/sh\nexec sleep 60\n");
  ::chmod(script.c_str(), 0700);
  const auto begin = std::chrono::steady_clock::now();
  auto result = run_sshd_test(script, "", std::chrono::milliseconds(200));
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::timed_out);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  write(script, "#!/bin/sh\necho why >&2\nexit 3\n");
  ::chmod(script.c_str(), 0700);
  result = run_sshd_test(script, "", patience);
  REQUIRE_FALSE(result);
  CHECK_THAT(result.error().message, Catch::EndsWith("-T failed: why"));
  result = run_sshd_test("/nonexistent/sshd", "", patience);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == Errc::not_found);
}
