#include "unlock/socket.h"

#include "tests/catch.h"

namespace attestd::unlock {

TEST_CASE("the volume that is asked for is in the peer's abstract address") {
  using namespace std::string_literals;
  CHECK(volume_of_address("\0d7067f78d9827418/cryptsetup/root"s) == "root");
  CHECK(volume_of_address("\0a/cryptsetup/luks-6a1e"s) == "luks-6a1e");
  for (const std::string& other :
       {""s, "\0"s, "/run/x"s, "\0/cryptsetup/root"s, "\0xyz/cryptsetup/root"s, "\0ab/cryptsetup/"s, "\0ab/other/root"s,
        "\0ab/cryptsetup/../x"s, "\0ab/cryptsetup/.x"s, "\0ab/cryptsetup/a\0b"s, "ab/cryptsetup/root"s}) {
    CHECK(volume_of_address(other).error().code == Errc::malformed);
  }
}

}  // namespace attestd::unlock
