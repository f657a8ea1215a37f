// What attest-broker's commands share.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string>

#include "broker/audit.h"

namespace attestd::broker {

std::int64_t now_s();  // Unix seconds
// Error: usage, in words about the option.
Result<Sha256Digest> digest_from_hex(const std::string& option, const std::string& text);
// One line, in which no character drives a terminal.
Result<void> print_json(const boost::json::value& value);

}  // namespace attestd::broker
