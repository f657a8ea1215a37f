#include "client/proof_cache.h"

#include <sys/stat.h>

#include <filesystem>

#include "base/file.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

namespace attestd::test {
namespace {

constexpr std::int64_t then = 1700000000;

Proof proof() {
  return {{"{\"a\":1}", StatementChannel{Bytes(32, std::byte{1}), Bytes(32, std::byte{2})}, Bytes(32, std::byte{3})},
          Bytes(16, std::byte{4}),
          then};
}

std::string only_file(const std::string& folder) {
  return std::filesystem::directory_iterator(folder)->path().string();
}

TEST_CASE("a proof reads back as it was written") {
  const Proof again = parse_proof(encode_proof(proof())).value();
  CHECK(again.evidence.bundle == "{\"a\":1}");
  CHECK(again.evidence.channel->tls_exporter == Bytes(32, std::byte{2}));
  CHECK(again.evidence.activation_seed == Bytes(32, std::byte{3}));
  CHECK(again.nonce == Bytes(16, std::byte{4}));
  CHECK(again.fetched_at == then);
  for (const char* const text : {"", "{}", "[]", R"({"version":2})", R"({"version":1,"fetched_at":1,"bundle":"x"})",
                                 R"({"version":1,"fetched_at":-1,"nonce":"AAAAAAAAAAA","bundle":"x"})"}) {
    CHECK_FALSE(parse_proof(text));
  }
}

TEST_CASE("a proof is found for its host and source, for its time") {
  const TemporaryFolder folder;
  const ProofCache cache(folder.file("a/proofs"));
  CHECK_FALSE(cache.find("vm", "https://vm:1", then, 60));
  REQUIRE(cache.keep("vm", "https://vm:1", proof()));
  CHECK(cache.find("vm", "https://vm:1", then, 60));
  CHECK(cache.find("vm", "https://vm:1", then + 59, 60));
  CHECK_FALSE(cache.find("vm", "https://vm:1", then + 60, 60));
  CHECK_FALSE(cache.find("vm", "https://vm:1", then - 1, 60));
  CHECK_FALSE(cache.find("vm", "https://vm:1", then, 0));
  CHECK_FALSE(cache.find("other", "https://vm:1", then, 60));
  CHECK_FALSE(cache.find("vm", "https://vm:2", then, 60));
}

TEST_CASE("a proof that others may have written is not used") {
  const TemporaryFolder folder;
  const std::string proofs = folder.file("proofs");
  const ProofCache cache(proofs);
  REQUIRE(cache.keep("vm", "s", proof()));
  const std::string file = only_file(proofs);
  struct stat status{};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600);
  for (const mode_t mode : {mode_t{0620}, mode_t{0602}}) {
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    CHECK_FALSE(cache.find("vm", "s", then, 60));
  }
  REQUIRE(::chmod(file.c_str(), 0600) == 0);
  CHECK(cache.find("vm", "s", then, 60));
  REQUIRE(::chmod(proofs.c_str(), 0770) == 0);
  CHECK_FALSE(cache.find("vm", "s", then, 60));
  REQUIRE(::chmod(proofs.c_str(), 0700) == 0);
  std::filesystem::rename(file, folder.file("elsewhere"));
  std::filesystem::create_symlink(folder.file("elsewhere"), file);
  CHECK_FALSE(cache.find("vm", "s", then, 60));
}

TEST_CASE("what is older than a day goes when something is kept") {
  const TemporaryFolder folder;
  const std::string proofs = folder.file("proofs");
  const ProofCache cache(proofs);
  REQUIRE(cache.keep("old", "s", proof()));
  REQUIRE(replace_file(proofs + "/mine.txt", as_bytes("x"), 0600));
  const auto long_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(25);
  for (const auto& entry : std::filesystem::directory_iterator(proofs)) {
    std::filesystem::last_write_time(entry.path(), long_ago);
  }
  REQUIRE(cache.keep("new", "s", proof()));
  CHECK_FALSE(cache.find("old", "s", then, 60));
  CHECK(cache.find("new", "s", then, 60));
  CHECK(std::filesystem::exists(proofs + "/mine.txt"));
}

}  // namespace
}  // namespace attestd::test
