#include "client/render.h"

#include <boost/json/value.hpp>

#include "tests/catch.h"

using namespace attestd;
namespace json = boost::json;

TEST_CASE("JSON is shown one member a line") {
  const json::value value{{"name", "vm"}, {"longer", 7}, {"inner", {{"on", true}}}, {"list", json::array{1, "two"}}};
  CHECK(render(value, false) == "name    vm\nlonger  7\ninner\n  on  true\nlist\n  - 1\n  - two\n");
  CHECK(render(json::value{{"events", json::array{{{"pcr", 0}, {"type", "x"}}}}}, false) ==
        "events\n  - pcr   0\n    type  x\n");
  CHECK(render(json::value{{"none", json::object()}, {"empty", json::array()}}, false) == "none  none\nempty  none\n");
  CHECK(render(json::value{{"a", ""}, {"b", nullptr}}, false) == "a  \"\"\nb  -\n");
}

TEST_CASE("names and values of JSON are escaped") {
  CHECK(render(json::value{{"a\x1b", "b\nc"}}, false) == "a\\x1b  b\\nc\n");
}

TEST_CASE("colour adds attributes to names only when asked") {
  CHECK(render(json::value{{"a", 1}}, true) == "\x1b[2ma\x1b[0m  1\n");
}
