#include "keys/key_service.h"

#include <algorithm>
#include <thread>

namespace attestd {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int attempts_when_broken = 3;
constexpr milliseconds first_pause{1000};
// A service that asks for more is misbehaving, or would lock us out for good.
constexpr seconds longest_wait{3600};

bool is_broken(Errc code) { return code == Errc::unavailable || code == Errc::timed_out; }

}  // namespace

KeyService::KeyService(const KeyCache& cache, KeyServiceOptions options)
    : cache_(cache), options_(std::move(options)), patience_(options_.patience) {
  if (!options_.now) {
    options_.now = [] {
      return std::chrono::duration_cast<seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    };
  }
  if (!options_.sleep) options_.sleep = [](milliseconds time) { std::this_thread::sleep_for(time); };
}

Result<void> KeyService::wait(milliseconds time) {
  if (time > patience_) return fail(Errc::throttled, "waiting longer than --patience allows");
  patience_ -= time;
  options_.sleep(time);
  return {};
}

Result<FetchResponse> KeyService::get(const std::string& vendor, const std::string& url, std::size_t limit) {
  const std::string where = vendor == "amd" ? "AMD's key service" : "Intel's key service";
  // A clock that was set back must not lock us out either.
  const std::int64_t early =
      std::min<std::int64_t>(cache_.not_before(vendor) - options_.now(), seconds(longest_wait).count());
  if (early > 0 && !wait(seconds(early))) {
    return fail(Errc::throttled, where + " asked not to be asked again for another " + std::to_string(early) +
                                     " s: come back then, or wait with --patience");
  }
  FetchRequest request;
  request.url = url;
  request.peer = where + " (" + url + ")";
  request.user_agent = "attestctl";
  request.ca_file = options_.ca_file;
  request.environment_proxy = true;
  request.limit = limit;
  request.timeout = options_.timeout;
  milliseconds pause = first_pause;
  for (int attempt = 1;; ++attempt) {
    auto response = http_fetch(request);
    const Result<void> ok = response ? require_ok(*response, request.peer) : Result<void>();
    if (response && ok) return response;
    Error error = response ? ok.error() : response.error();
    milliseconds time = pause;
    if (error.code == Errc::throttled) {
      if (response && response->retry_after.count() > 0) time = std::min(response->retry_after, longest_wait);
      const auto rounded_up = std::chrono::ceil<seconds>(time).count();
      ATTESTD_CHECK(cache_.set_not_before(vendor, options_.now() + rounded_up));
    } else if (!is_broken(error.code) || attempt == attempts_when_broken) {
      return std::unexpected(std::move(error));
    }
    if (!wait(time)) return std::unexpected(std::move(error));
    pause *= 2;
  }
}

}  // namespace attestd
