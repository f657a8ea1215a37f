// What people see: colour where a terminal shows it, and text that cannot
// drive the terminal.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace attestd {

enum class Colour { automatic, always, never };
// For standard output: automatic needs a terminal and no NO_COLOR (no-color.org).
bool use_colour(Colour wish);
bool stdout_is_terminal();

// `text` as one line that is safe to print: control characters, bytes that are
// not UTF-8 and characters that change the direction of writing become
// escapes ("\n", "\x1b", "\u202e"); a backslash becomes two.
std::string printable(std::string_view text);

// Text of several lines: each as printable() has it.
std::string printable_lines(std::string_view text);

// The same JSON, in which no character drives a terminal: those above DEL that would are
// written as JSON's own escapes ("\u009b"), as those below already are (RFC 8259 section 7).
std::string printable_json(std::string_view json);

// To standard output, all of it. A reader that went away is an error.
Result<void> print(std::string_view text);
// One line on standard error, after the program's name: "attestctl: SENTENCE". The text is escaped.
void complain(std::string_view sentence);
// An error of a command, as complain() shows it.
void complain(const Error& error);

}  // namespace attestd
