#include "net/fetch.h"

namespace attestd {

std::optional<std::string_view> FetchResponse::header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (known == name) return value;
  }
  return std::nullopt;
}

Result<void> require_ok(const FetchResponse& response, std::string_view peer) {
  if (response.status == 200) return {};
  std::string sentence = std::string(peer) + " answered with HTTP status " + std::to_string(response.status);
  Errc code = Errc::unavailable;
  switch (response.status) {
    case 401:
    case 403: code = Errc::permission; break;
    case 404:
    case 410: code = Errc::not_found; break;
    // The server gave up waiting for us, or wants us to wait: another try may end otherwise.
    case 408:
    case 425: code = Errc::unavailable; break;
    case 429:
    case 503:
      code = Errc::throttled;
      if (response.retry_after.count() > 0) {
        sentence += " and asks to come back in " + std::to_string(response.retry_after.count()) + " s";
      }
      break;
    default:
      if (response.status >= 400 && response.status < 500) code = Errc::usage;
  }
  return fail(code, std::move(sentence));
}

}  // namespace attestd
