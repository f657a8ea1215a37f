// toml++ as we use it. For .cpp files only.
#pragma once

namespace attestd {

// An assertion of toml++'s about the text that it parses, thrown in place of ending the process.
struct TomlAssertion {};
constexpr void require_for_toml(bool good) {
  if (!good) throw TomlAssertion();
}

}  // namespace attestd

// toml++ 3.3 asserts, or with NDEBUG has the compiler assume, that a table's header begins with a key; "[=" is enough
// to prove it wrong. So without NDEBUG, and with an assertion that parsers of ours catch.
#pragma push_macro("NDEBUG")
#undef NDEBUG
#define TOML_ASSERT(expr) attestd::require_for_toml(static_cast<bool>(expr))
#include <toml++/toml.h>  // IWYU pragma: export
#pragma pop_macro("NDEBUG")
