// Expected failures are values. See STYLE in CONTRIBUTING.md.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace attestd {

// What kind of thing went wrong. The names, as to_string() gives them, are
// stable: they appear in problem+json types, in journal fields and in --json.
enum class Errc {
  truncated,     // input ends before a field does
  malformed,     // input breaks its format
  unsupported,   // well-formed, but a version or algorithm that we do not handle
  out_of_range,  // a value outside what the format or a limit of ours allows
  not_found,     // a file, device, part or key that is not there
  permission,    // the kernel refused access
  busy,          // the device or TPM is in use; trying again may help
  throttled,     // the host limits requests; trying again later may help
  changed,       // another writer touched the configfs-tsm entry meanwhile
  key_wiped,     // the driver wiped its VMPCK: no report until reboot
  timed_out,     // a deadline passed
  unavailable,   // a device or service that is configured does not answer
  io,            // any other system call failure
  tpm,           // the TPM returned an error code
  crypto,        // OpenSSL failed on input that should be good
  mismatch,      // two things that must be equal are not
  expired,       // outside its validity
  refused,       // against policy
  usage,         // the caller asked for something impossible
  internal,      // broken invariant
};

std::string_view to_string(Errc code);

struct Error {
  Errc code = Errc::internal;
  std::string message;                // one sentence for people, no full stop
  std::optional<std::size_t> offset;  // byte offset in the input, for parsers
  int os_error = 0;                   // errno, where a system call failed

  // The same error, its message prefixed with "CONTEXT: ".
  [[nodiscard]] Error in(std::string_view context) &&;
  // "message (at byte N): strerror", for people.
  [[nodiscard]] std::string text() const;
};

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Errc code, std::string message) {
  return std::unexpected(Error{code, std::move(message), std::nullopt, 0});
}
inline std::unexpected<Error> fail_at(Errc code, std::size_t offset, std::string message) {
  return std::unexpected(Error{code, std::move(message), offset, 0});
}
// For a failed system call: `saved_errno` chooses the code (ENOENT gives
// not_found, EACCES and EPERM permission, EBUSY busy, others io).
std::unexpected<Error> fail_errno(int saved_errno, std::string message);

}  // namespace attestd

#define ATTESTD_CONCAT_(a, b) a##b
#define ATTESTD_CONCAT(a, b) ATTESTD_CONCAT_(a, b)

// ATTESTD_TRY(auto x, expression): declares x from the value, or returns the error.
#define ATTESTD_TRY(declaration, ...)                                                                             \
  auto ATTESTD_CONCAT(try_, __LINE__) = (__VA_ARGS__);                                                            \
  if (!ATTESTD_CONCAT(try_, __LINE__)) return std::unexpected(std::move(ATTESTD_CONCAT(try_, __LINE__)).error()); \
  declaration = *std::move(ATTESTD_CONCAT(try_, __LINE__))

// ATTESTD_CHECK(expression): returns the error of a Result<void>, or goes on.
#define ATTESTD_CHECK(...)                                                                  \
  if (auto ATTESTD_CONCAT(try_, __LINE__) = (__VA_ARGS__); !ATTESTD_CONCAT(try_, __LINE__)) \
  return std::unexpected(std::move(ATTESTD_CONCAT(try_, __LINE__)).error())
