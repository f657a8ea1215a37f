// A TD as JSON, for `inspect` and for claims. For .cpp files only.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "evidence/ccel.h"
#include "evidence/td_quote.h"

namespace attestd {

// All fields under the specification's names in lower case; byte strings and raw
// 64-bit values in hexadecimal. `debug` is true when any bit of the group "TD under debug" is.
boost::json::object td_body_to_json(const TdQuoteBody& body);
boost::json::array rtmrs_to_json(const Rtmrs& rtmrs);

}  // namespace attestd
