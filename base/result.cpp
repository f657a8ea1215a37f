#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace attestd {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::truncated: return "truncated";
    case Errc::malformed: return "malformed";
    case Errc::unsupported: return "unsupported";
    case Errc::out_of_range: return "out-of-range";
    case Errc::not_found: return "not-found";
    case Errc::permission: return "permission";
    case Errc::busy: return "busy";
    case Errc::throttled: return "throttled";
    case Errc::changed: return "changed";
    case Errc::key_wiped: return "key-wiped";
    case Errc::timed_out: return "timed-out";
    case Errc::unavailable: return "unavailable";
    case Errc::io: return "io";
    case Errc::tpm: return "tpm";
    case Errc::crypto: return "crypto";
    case Errc::mismatch: return "mismatch";
    case Errc::expired: return "expired";
    case Errc::refused: return "refused";
    case Errc::usage: return "usage";
    case Errc::internal: return "internal";
  }
  return "internal";
}

Error Error::in(std::string_view context) && {
  message = std::string(context) + ": " + message;
  return std::move(*this);
}

std::string Error::text() const {
  std::string out = message;
  if (offset) out += " (at byte " + std::to_string(*offset) + ")";
  if (os_error != 0) out += ": " + std::generic_category().message(os_error);
  return out;
}

std::unexpected<Error> fail_errno(int saved_errno, std::string message) {
  Errc code = Errc::io;
  switch (saved_errno) {
    case ENOENT:
    case ENODEV:
    case ENXIO: code = Errc::not_found; break;
    case EACCES:
    case EPERM: code = Errc::permission; break;
    case EBUSY: code = Errc::busy; break;
    case ETIMEDOUT: code = Errc::timed_out; break;
    case ECONNREFUSED: code = Errc::unavailable; break;
    default: break;
  }
  return std::unexpected(Error{code, std::move(message), std::nullopt, saved_errno});
}

}  // namespace attestd
