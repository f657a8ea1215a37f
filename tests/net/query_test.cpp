#include "net/query.h"

#include "tests/catch.h"

using namespace attestd;

TEST_CASE("a query is decoded, and one that is not as it should be is refused") {
  using Map = std::map<std::string, std::string, std::less<>>;
  struct Case {
    std::string text;
    std::optional<Map> parsed;
  };
  for (const Case& c : std::vector<Case>{
           {"", Map{}},
           {"target=https%3A%2F%2Fvm%3A28443&policy=a", Map{{"target", "https://vm:28443"}, {"policy", "a"}}},
           {"a=x+y%2bz&b", Map{{"a", "x y+z"}, {"b", ""}}},
           {"a=b=c&", Map{{"a", "b=c"}}},
           {"a=1&a=2", std::nullopt},
           {"=1", std::nullopt},
           {"a=%", std::nullopt},
           {"a=%4", std::nullopt},
           {"a=%4g", std::nullopt},
           {"a=%-1", std::nullopt},
           {"a=%00", std::nullopt},
           {"a=%0a", std::nullopt},
           {"a=\x7f", std::nullopt},
       }) {
    INFO(c.text);
    const auto parsed = parse_query(c.text);
    CHECK(parsed.has_value() == c.parsed.has_value());
    if (parsed && c.parsed) CHECK(*parsed == *c.parsed);
  }
}

TEST_CASE("a query of too many parameters is refused") {
  std::string text;
  for (std::size_t i = 0; i < query_parameter_limit; ++i) text += "p" + std::to_string(i) + "&";
  CHECK(parse_query(text).has_value());
  CHECK_FALSE(parse_query(text + "one-more").has_value());
}
