#include "base/toml_text.h"

#include "tests/catch.h"

using namespace attestd;

TEST_CASE("characters that TOML does not allow are found with their place") {
  struct Case {
    std::string_view text;
    std::size_t line;  // 0: there is none
    std::size_t column;
  };
  for (const Case& c :
       {Case{"", 0, 0}, Case{"a = 1\r\n\t[b]\n", 0, 0}, Case{"# \xc3\xa4\nb = \"\xc3\xa4\" # \xc3\xa4\n", 0, 0},
        Case{"a = '\xc3\xa4'\n", 0, 0}, Case{"a = \"\"\"\n\xc3\xa4 \" \"\" \xc3\xa4\"\"\"\n", 0, 0},
        Case{"a = \"\\\"\xc3\xa4\"\n", 0, 0}, Case{"\xef\xbb\xbf[a]\n", 0, 0}, Case{"\xc3\xa4 = 1\n", 1, 1},
        Case{"a = 1\nb = \xce\x9a\n", 2, 5}, Case{"a = \"b\" \xc3\xa4", 1, 9}, Case{"a = '\\' \xc3\xa4", 1, 9},
        Case{"a = \"b\n\xc3\xa4", 2, 1}, Case{"a = '''\n'''\xc3\xa4", 2, 4}, Case{"[\x12]", 1, 2},
        Case{std::string_view("# a\0", 4), 1, 4}, Case{"a = \"\x7f\"", 1, 6}, Case{"a = \"\\", 0, 0}}) {
    INFO(c.text);
    const auto at = forbidden_in_toml(c.text);
    CHECK(at.has_value() == (c.line != 0));
    if (!at) continue;
    CHECK(at->line == c.line);
    CHECK(at->column == c.column);
  }
}
