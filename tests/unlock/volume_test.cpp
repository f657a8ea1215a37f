#include "unlock/volume.h"

#include "base/file.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

namespace attestd::unlock {

TEST_CASE("the note of an unlock names what is mapped, and keeps how the volume was made") {
  const test::TemporaryFolder folder;
  const Places places{.headers = {}, .origins = folder.file("origins")};
  const std::string uuid = "6a1e2d3c-0000-4000-8000-00000000000a";
  REQUIRE(write_beginning(places, uuid, {"formatted", {}}));
  REQUIRE(write_origin(places, {uuid, "root", "broker", "default/luks/root", {}}));
  const Bytes note = read_file(places.origins + "/" + uuid + ".json", 4096).value();
  CHECK(as_text(note) == R"({"uuid":")" + uuid + R"(","name":"root","key_origin":"broker",)" +
                             R"("resource":"default/luks/root","header_sha256":")" + std::string(64, '0') +
                             R"(","first_boot":"formatted"})" + "\n");
}

}  // namespace attestd::unlock
