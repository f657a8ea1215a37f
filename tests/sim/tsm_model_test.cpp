#include "sim/tsm_model.h"

#include <algorithm>
#include <cerrno>

#include "sim/faults.h"
#include "tests/catch.h"
#include "tests/sim/fixtures.h"

namespace attestd::sim {
namespace {

// Answers with the request itself, and counts.
class Echo final : public TsmProvider {
 public:
  [[nodiscard]] std::string name() const override { return "echo"; }
  [[nodiscard]] unsigned privlevel_floor() const override { return 1; }
  OrErrno<TsmBlobs> report_new(const TsmRequest& request) override {
    ++calls;
    if (failure != 0) return std::unexpected(failure);
    return TsmBlobs{request.inblob, to_bytes("aux of level " + std::to_string(request.privlevel))};
  }
  int calls = 0;
  int failure = 0;
};

std::string text(const OrErrno<Bytes>& bytes) {
  return bytes ? std::string(as_text(*bytes)) : "errno " + std::to_string(bytes.error());
}
std::string failure(int code) { return "errno " + std::to_string(code); }

struct Tree {
  Echo echo;
  TsmModel model{echo};
  int write(std::string_view attribute, std::string_view value) { return model.write("e", attribute, as_bytes(value)); }
  std::string read(std::string_view attribute) { return text(model.read("e", attribute)); }
};

TEST_CASE("entries are made once and removed once") {
  Tree tree;
  CHECK(tree.model.make_entry("e") == 0);
  CHECK(tree.model.make_entry("e") == EEXIST);
  CHECK(tree.model.entries() == std::vector<std::string>{"e"});
  CHECK(tree.model.remove_entry("e") == 0);
  CHECK(tree.model.remove_entry("e") == ENOENT);
  CHECK(tree.read("generation") == failure(ENOENT));
  CHECK(tree.write("inblob", "x") == ENOENT);
  CHECK(tree.model.make_entry("") == EINVAL);
  CHECK(tree.model.make_entry("..") == EINVAL);
  CHECK(tree.model.make_entry("a/b") == EINVAL);
  CHECK(tree.model.make_entry(std::string(256, 'n')) == ENAMETOOLONG);
}

TEST_CASE("attributes are readable or writable, never both") {
  Tree tree;
  REQUIRE(tree.model.make_entry("e") == 0);
  for (const TsmAttribute& attribute : tree.model.attributes()) {
    INFO(attribute.name);
    if (attribute.mode == 0200) {
      CHECK(tree.read(attribute.name) == failure(EACCES));
    } else {
      CHECK(attribute.mode == 0444);
      CHECK(tree.write(attribute.name, "1") == EACCES);
    }
  }
  CHECK(tree.read("service_guid") == failure(ENOENT));
}

TEST_CASE("a report needs an inblob of 1 to 64 bytes") {
  Tree tree;
  REQUIRE(tree.model.make_entry("e") == 0);
  CHECK(tree.read("outblob") == failure(EINVAL));
  CHECK(tree.read("auxblob") == failure(EINVAL));
  CHECK(tree.write("inblob", std::string(65, 'x')) == EFBIG);
  CHECK(tree.write("inblob", "") == 0);
  CHECK(tree.read("generation") == "0\n");
  CHECK(tree.read("outblob") == failure(EINVAL));
  CHECK(tree.write("inblob", std::string(64, 'x')) == 0);
  CHECK(tree.read("outblob") == std::string(64, 'x'));
}

TEST_CASE("privilege levels are parsed and bounded as the kernel does") {
  Tree tree;
  REQUIRE(tree.model.make_entry("e") == 0);
  REQUIRE(tree.write("inblob", "x") == 0);
  const std::pair<std::string, int> cases[] = {
      {"1", 0},
      {"3\n", 0},
      {"0x2", 0},
      {"02", 0},
      {"+1", 0},
      {"0", EINVAL},
      {"4", EINVAL},
      {"-1", EINVAL},
      {"", EINVAL},
      {"1 ", EINVAL},
      {"1\n\n", EINVAL},
      {"two", EINVAL},
      {"4294967296", ERANGE},
  };
  unsigned expected = 1;
  for (const auto& [value, result] : cases) {
    INFO("'" << value << "'");
    CHECK(tree.write("privlevel", value) == result);
    if (result == 0) ++expected;
    CHECK(tree.read("generation") == std::to_string(expected) + "\n");
  }
  REQUIRE(tree.write("privlevel", "2") == 0);
  CHECK(tree.read("auxblob") == "aux of level 2");
  CHECK(tree.read("privlevel_floor") == "1\n");
  CHECK(tree.read("provider") == "echo\n");
}

TEST_CASE("one report serves every read until the next write") {
  Tree tree;
  REQUIRE(tree.model.make_entry("e") == 0);
  REQUIRE(tree.write("inblob", "one") == 0);
  CHECK(tree.echo.calls == 0);
  CHECK(tree.read("outblob") == "one");
  CHECK(tree.read("auxblob") == "aux of level 0");
  CHECK(tree.read("outblob") == "one");
  CHECK(tree.echo.calls == 1);
  REQUIRE(tree.write("inblob", "two") == 0);
  CHECK(tree.read("generation") == "2\n");
  CHECK(tree.read("auxblob") == "aux of level 0");
  CHECK(tree.read("outblob") == "two");
  CHECK(tree.echo.calls == 2);
}

TEST_CASE("a failed report is not remembered") {
  Tree tree;
  REQUIRE(tree.model.make_entry("e") == 0);
  REQUIRE(tree.write("inblob", "one") == 0);
  REQUIRE(tree.read("outblob") == "one");
  REQUIRE(tree.write("inblob", "two") == 0);
  tree.echo.failure = ETIMEDOUT;
  CHECK(tree.read("outblob") == failure(ETIMEDOUT));
  CHECK(tree.read("auxblob") == failure(ETIMEDOUT));
  tree.echo.failure = 0;
  CHECK(tree.read("outblob") == "two");
}

TEST_CASE("a writer cannot bring the generation around to that of the report") {
  Echo echo;
  TsmModel model(echo, 0x7);
  REQUIRE(model.make_entry("e") == 0);
  for (int i = 0; i < 7; ++i) CHECK(model.write("e", "inblob", as_bytes("x")) == 0);
  CHECK(model.write("e", "inblob", as_bytes("y")) == EBUSY);
  CHECK(model.write("e", "privlevel", as_bytes("1")) == EBUSY);
  CHECK(text(model.read("e", "outblob")) == "x");
  CHECK(model.write("e", "inblob", as_bytes("y")) == 0);
  CHECK(text(model.read("e", "generation")) == "0\n");
}

TEST_CASE("the race fault gives a report over another's data and a raised generation") {
  Tree tree;
  REQUIRE(tree.model.make_entry("e") == 0);
  REQUIRE(tree.write("inblob", "mine") == 0);
  tree.model.set_race(1);
  CHECK(tree.read("outblob") != "mine");
  CHECK(tree.read("generation") == "2\n");
  REQUIRE(tree.write("inblob", "mine") == 0);
  CHECK(tree.read("outblob") == "mine");
  CHECK(tree.read("generation") == "3\n");
}

TEST_CASE("the would-block fault is over after its count") {
  Tree tree;
  REQUIRE(tree.model.make_entry("e") == 0);
  REQUIRE(tree.write("inblob", "mine") == 0);
  tree.model.set_would_block(2);
  CHECK(tree.read("outblob") == failure(EWOULDBLOCK));
  CHECK(tree.read("outblob") == failure(EWOULDBLOCK));
  CHECK(tree.read("outblob") == "mine");
}

TEST_CASE("faults have names, take their argument, and say what is wrong with it") {
  Psp psp(test::psp_config(), test::unsigned_report);
  TsmModel model(psp);
  CHECK(apply_fault(psp, &model, "busy", "3").has_value());
  CHECK(psp.faults().busy == 3);
  CHECK(apply_fault(psp, &model, "busy", "25%").has_value());
  CHECK(psp.faults().busy_probability == Approx(0.25));
  CHECK(psp.faults().busy == 3);
  CHECK(apply_fault(psp, &model, "throttled", "2").has_value());
  CHECK(psp.faults().throttled == 2);
  CHECK(apply_fault(psp, &model, "wipe-key", "").has_value());
  CHECK(psp.faults().wipe_key_after == 0U);
  CHECK(apply_fault(psp, &model, "clear", "").has_value());
  CHECK(psp.faults().busy == 0);
  CHECK_FALSE(psp.faults().wipe_key_after.has_value());
  const std::pair<std::string, std::string> refused[] = {
      {"busy", ""},     {"busy", "-1"}, {"busy", "101%"}, {"busy", "3x"},
      {"slow", "soon"}, {"race", ""},   {"rase", "1"},    {"", ""},
  };
  for (const auto& [name, argument] : refused) {
    INFO(name << " " << argument);
    const auto result = apply_fault(psp, &model, name, argument);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Errc::usage);
  }
}

}  // namespace
}  // namespace attestd::sim
