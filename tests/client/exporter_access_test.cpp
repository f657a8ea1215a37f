#include "client/exporter_access.h"

#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace attestd;
using namespace attestd::test;

namespace {

struct Place {
  Place() {
    folder.write("web.toml", "");
    folder.write("targets", "# ours\n  unix:/run/vm.sock \n\nexec:ssh vm attestctl evidence\r\n");
  }
  [[nodiscard]] Result<ExporterAccess> access(const std::string& allow = {}, bool targets = true) const {
    return ExporterAccess::make(folder.path(), targets ? folder.file("targets") : "", allow);
  }
  TemporaryFolder folder;
};

// "https is not there yet" is not a refusal of ours.
bool refused(const ExporterAccess& access, std::string_view target) {
  const auto source = access.target(target);
  return !source && source.error().code == Errc::refused;
}

}  // namespace

TEST_CASE("any https target may be asked, others only when the operator's file has them") {
  const Place place;
  const auto access = place.access();
  REQUIRE(access);
  for (const char* const target : {"unix:/run/vm.sock", "exec:ssh vm attestctl evidence", "https://vm:28443"}) {
    INFO(target);
    CHECK_FALSE(refused(*access, target));
  }
  CHECK(access->target("unix:/run/vm.sock") == Source{Source::Kind::socket, "/run/vm.sock"});
  for (const char* const target : {"", "unix:/run/vm.sock2", "unix:/run/vm.soc", "exec:id",
                                   "exec:ssh vm attestctl evidence; id", "file:/etc/passwd", "/etc/passwd", "# ours",
                                   "http://vm", "HTTPS://vm", " https://vm", "unix:/run/vm.sock\nexec:id"}) {
    INFO(target);
    CHECK(refused(*access, target));
  }
  CHECK(refused(*access, "https://" + std::string(600, 'a')));
  const auto without = place.access({}, false);
  REQUIRE(without);
  CHECK(refused(*without, "unix:/run/vm.sock"));
}

TEST_CASE("an expression limits https targets as a whole, and not those that are listed") {
  const Place place;
  const auto access = place.access("https://[a-z]+\\.example(:28443)?|https://bastion");
  REQUIRE(access);
  CHECK_FALSE(refused(*access, "https://vm.example:28443"));
  CHECK_FALSE(refused(*access, "https://bastion"));
  CHECK(refused(*access, "https://vm.example:28443/x"));
  CHECK(refused(*access, "https://vm.example.org"));
  CHECK(refused(*access, "https://bastion.evil"));
  CHECK_FALSE(refused(*access, "unix:/run/vm.sock"));
  CHECK_FALSE(place.access("(").has_value());
}

TEST_CASE("a policy is a file of its folder, by its name and nothing else") {
  const Place place;
  place.folder.write(".hidden.toml", "");
  const auto access = place.access();
  REQUIRE(access);
  CHECK(access->policy("web") == place.folder.file("web.toml"));
  CHECK(access->policy("web.toml") == place.folder.file("web.toml"));
  for (const char* const name : {"", "other", "../web", "./web", "/etc/passwd", "a/../web", ".hidden", "..", "web\n"}) {
    INFO(name);
    CHECK_FALSE(access->policy(name).has_value());
  }
  CHECK_FALSE(ExporterAccess::make(place.folder.file("nowhere"), "", "").has_value());
  CHECK_FALSE(ExporterAccess::make(place.folder.path(), place.folder.file("nowhere"), "").has_value());
}
