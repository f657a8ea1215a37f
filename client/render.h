// JSON for people: one member a line, indented. Text is escaped by printable().
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

namespace attestd {

// Ends with a newline unless empty. `colour` dims the names.
std::string render(const boost::json::value& value, bool colour);

}  // namespace attestd
