// A PIN, asked for on the console. The console of a VM is the host's, which sees what is typed: docs/unlock.md.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/secret.h"
#include "unlock/volume.h"

namespace attestd::unlock {

inline constexpr std::size_t pin_limit = 256;  // bytes
inline constexpr unsigned pin_tries = 3;       // in a boot; the TPM counts them as well

// One line of a terminal, without its end and without echo, read into locked memory. What was typed before the
// question is dropped. Errors: unavailable (no terminal), timed_out, out_of_range (over 256 bytes), refused (an empty
// line), io.
Result<SecretBytes> read_pin(const std::string& terminal, const std::string& question,
                             std::chrono::milliseconds timeout);

// The file's bytes but for one newline at the end. Errors: those of SecretBytes::read(), out_of_range (none).
Result<SecretBytes> pin_of_file(const std::string& path);

using AskPin = std::function<Result<SecretBytes>()>;
using TryPin = std::function<Result<SecretBytes>(SecretBytes pin)>;
// Asks, and tries, up to pin_tries times; again only where the PIN was wrong (permission). Errors: those of both.
Result<SecretBytes> with_pin(const AskPin& ask, const TryPin& attempt, const Tell& tell);

}  // namespace attestd::unlock
