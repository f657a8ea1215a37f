#include "base/secret.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace attestd;

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer);
#else
constexpr bool sanitized = false;
#endif

// What /proc/self/smaps says of the mapping that `address` is in.
std::string flags_of(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  bool inside = false;
  while (std::getline(maps, line)) {
    unsigned long from = 0;
    unsigned long to = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &from, &to) == 2) {
      const auto at = reinterpret_cast<unsigned long>(address);
      inside = at >= from && at < to;
    }
    if (inside && line.starts_with("VmFlags:")) return line + " ";
  }
  return {};
}

}  // namespace

TEST_CASE("a secret lies in memory that is locked, kept from dumps and wiped in children") {
  auto secret = SecretBytes::copy_of(as_bytes("correct horse"));
  REQUIRE(secret);
  CHECK(as_text(secret->view()) == "correct horse");
  const std::string flags = flags_of(secret->view().data());
  // AddressSanitizer makes mlock(2) do nothing.
  CHECK((sanitized || flags.find(" lo ") != std::string::npos));
  CHECK(flags.find(" dd ") != std::string::npos);
  CHECK(flags.find(" wf ") != std::string::npos);

  const pid_t child = ::fork();
  if (child == 0) ::_exit(all_zero(secret->view()) ? 0 : 1);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("a secret moves and does not stay behind") {
  auto first = SecretBytes::copy_of(as_bytes("battery"));
  REQUIRE(first);
  SecretBytes second = std::move(*first);
  CHECK(first->empty());  // NOLINT(bugprone-use-after-move): what this is about
  CHECK(as_text(second.view()) == "battery");
  const std::byte* const bytes = second.view().data();
  second.shrink(3);
  CHECK(as_text(second.view()) == "bat");
  CHECK(all_zero({bytes + 3, 4}));
}

TEST_CASE("a random secret has the size that was asked for, and is random to its end") {
  const auto one = SecretBytes::random(1000);
  const auto other = SecretBytes::random(1000);
  REQUIRE(one);
  REQUIRE(other);
  CHECK(one->size() == 1000);
  // Each piece that the kernel gives at once: the chance that 16 bytes are equal is 2^-128.
  for (const std::size_t at : {0U, 240U, 256U, 512U, 984U}) {
    CHECK_FALSE(std::ranges::equal(one->view().subspan(at, 16), other->view().subspan(at, 16)));
    CHECK_FALSE(all_zero(one->view().subspan(at, 16)));
  }
}

TEST_CASE("a secret is read from a file up to a limit") {
  const test::TemporaryFolder folder;
  const std::string path = folder.write("key", "0123456789");
  const auto read = SecretBytes::read(path, 10);
  REQUIRE(read);
  CHECK(as_text(read->view()) == "0123456789");
  const auto longer = SecretBytes::read(path, 9);
  REQUIRE(!longer);
  CHECK(longer.error().code == Errc::out_of_range);
  CHECK(SecretBytes::read(folder.path() + "/none", 9).error().code == Errc::not_found);
}
