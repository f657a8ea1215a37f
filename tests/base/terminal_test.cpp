#include "base/terminal.h"

#include <cstdlib>

#include "tests/catch.h"

using namespace attestd;

TEST_CASE("JSON says the same without driving the terminal") {
  CHECK(printable_json(R"({"a":"b\u001b"})") == R"({"a":"b\u001b"})");
  CHECK(printable_json("{\"a\":\"\xc2\x9b\xe2\x80\xae\x7f\"}\n") == "{\"a\":\"\\u009b\\u202e\\u007f\"}\n");
  CHECK(printable_json("\"gr\xc3\xbc\xc3\x9f\xff\"") == "\"gr\xc3\xbc\xc3\x9f\xff\"");
}

TEST_CASE("text from evidence cannot drive a terminal") {
  struct Case {
    std::string text, shown;
  };
  const Case cases[] = {
      {"plain text, ümlaut, 漢字, 🔑", "plain text, ümlaut, 漢字, 🔑"},
      {"\x1b[2J", "\\x1b[2J"},
      {"two\nlines\r\t", "two\\nlines\\r\\t"},
      {std::string("nul\0", 4), "nul\\x00"},
      {"\x7f", "\\x7f"},
      {"\xc2\x9b"
       "31m",
       "\\u009b31m"},  // CSI as one C1 character
      {"\xe2\x80\xae"
       "evil",
       "\\u202eevil"},  // right-to-left override
      {"\xe2\x81\xa6", "\\u2066"},
      {"\xef\xbb\xbf", "\\ufeff"},
      {"back\\slash", "back\\\\slash"},
      {"\xff\xfe", "\\xff\\xfe"},
      {"\xc3", "\\xc3"},                    // ends early
      {"\xc0\xaf", "\\xc0\\xaf"},           // overlong
      {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},  // overlong
      {"\xed\xa0\x80", "\\xed\\xa0\\x80"},  // surrogate
      {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
      {"\xe2\x80", "\\xe2\\x80"},
  };
  for (const Case& one : cases) CHECK(printable(one.text) == one.shown);
}

TEST_CASE("colour is as asked, and off without a terminal by default") {
  CHECK(use_colour(Colour::always));
  CHECK_FALSE(use_colour(Colour::never));
  if (!stdout_is_terminal()) CHECK_FALSE(use_colour(Colour::automatic));
}

TEST_CASE("text of several lines keeps them, and nothing else that drives a terminal") {
  CHECK(printable_lines("a\nb\n") == "a\nb\n");
  CHECK(printable_lines("a\n\nb") == "a\n\nb");
  CHECK(printable_lines("# \x1b[2J\r\n\tx = 1\n") == "# \\x1b[2J\\r\n\\tx = 1\n");
  CHECK(printable_lines("").empty());
}
