// Options of attestctl that are numbers with a fraction. CLI11 is in here.
#pragma once

#include <CLI/CLI.hpp>
#include <cmath>
#include <string>

namespace attestd {

// Besides CLI::Range, to which "nan" is in every range, and whose conversion to an integer has no meaning.
inline CLI::Validator is_number() {
  return {[](std::string& text) {
            double value = 0;
            const bool known = CLI::detail::lexical_cast(text, value) && !std::isnan(value);
            return known ? std::string() : text + " is no number";
          },
          ""};
}

}  // namespace attestd
