#include "unlock/signature_file.h"

#include "base/file.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"
#include "unlock/settings.h"
#include "vtpm/signed_policy.h"

using namespace attestd;
using namespace attestd::test;
using namespace attestd::unlock;

TEST_CASE("signatures come from the file that is named") {
  const TemporaryFolder folder;
  const std::string path = folder.file("signatures.json");
  CHECK(read_signatures(path, {}).error().code == Errc::not_found);
  REQUIRE(replace_file(path, as_bytes("{}\n"), 0644));
  CHECK(read_signatures(path, {}).value() == "{}\n");
  REQUIRE(replace_file(path, Bytes(vtpm::signatures_limit + 1), 0644));
  CHECK(read_signatures(path, {}).error().code == Errc::out_of_range);
}

TEST_CASE("where the default path has nothing, the stub's file is read") {
  const TemporaryFolder folder;
  const std::string stub = folder.file("stub.json");
  const std::string usual = Settings().signatures;
  CHECK(read_signatures(usual, {}, stub).error().code == Errc::not_found);
  REQUIRE(replace_file(stub, as_bytes("{}"), 0644));
  CHECK(read_signatures(usual, {}, stub).value() == "{}");
  CHECK(read_signatures(folder.file("another"), {}, stub).error().code == Errc::not_found);
}

TEST_CASE("a device is waited for, for some time") {
  const auto before = std::chrono::steady_clock::now();
  CHECK(read_signatures("/dev/there-is-no-such-device", std::chrono::milliseconds(250)).error().code ==
        Errc::not_found);
  CHECK(std::chrono::steady_clock::now() - before >= std::chrono::milliseconds(250));
}

TEST_CASE("text at the start of a device ends at its zeros") {
  struct Case {
    std::string contents;
    std::string_view text;
  };
  const std::vector<Case> cases = {{std::string("{}\0\0\0", 5), "{}"},
                                   {"{}", "{}"},
                                   {std::string("{}\0x", 4), ""},
                                   {std::string("\0\0", 2), ""},
                                   {"", ""}};
  for (const Case& c : cases) {
    const auto text = padded_text(as_bytes(c.contents), "device");
    INFO(c.contents);
    if (c.text.empty()) {
      CHECK(text.error().code == Errc::malformed);
    } else {
      CHECK(text.value() == c.text);
    }
  }
}
