#include "hwio/tpm_facts.h"

#include "hwio/tpm.h"
#include "tests/catch.h"
#include "tests/hwio/swtpm.h"

namespace attestd::hwio {

TEST_CASE("a TPM tells who made it, and which NV indices it has") {
  const test::Swtpm swtpm;
  const auto bare = read_tpm_facts(swtpm.tcti(), {0x01400001});
  REQUIRE(bare);
  CHECK(bare->manufacturer == "IBM");
  CHECK(bare->contents.empty());

  const auto tpm = Tpm::make({.tcti = swtpm.tcti()});
  const Bytes report = to_bytes("a report");
  REQUIRE(tpm->nv_write(0x01400001, report));
  REQUIRE(tpm->nv_write(0x01400002, to_bytes("something else")));
  const auto facts = read_tpm_facts(swtpm.tcti(), {0x01400001, 0x01400003});
  REQUIRE(facts);
  CHECK(facts->nv_indices.contains(0x01400001));
  CHECK(facts->nv_indices.contains(0x01400002));
  CHECK(facts->nv_indices.size() == bare->nv_indices.size() + 2);
  CHECK(facts->contents == std::map<std::uint32_t, Bytes>{{0x01400001, report}});
}

TEST_CASE("more NV indices than a TPM tells of at once are all found") {
  const test::Swtpm swtpm;
  const auto tpm = Tpm::make({.tcti = swtpm.tcti()});
  for (std::uint32_t index = 0x01800000; index < 0x01800000 + 70; ++index) {
    if (!tpm->nv_write(index, to_bytes("x"))) break;
  }
  const auto facts = read_tpm_facts(swtpm.tcti(), {});
  REQUIRE(facts);
  CHECK(facts->nv_indices.size() > 64);
}

TEST_CASE("a TPM that is not there is an error") { CHECK_FALSE(read_tpm_facts("swtpm:path=/nonexistent/socket", {})); }

}  // namespace attestd::hwio
