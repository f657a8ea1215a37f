#include "broker/server.h"

#include <unistd.h>

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <climits>
#include <ctime>

#include "base/encoding.h"
#include "broker/api_internal.h"
#include "daemon/daemon_internal.h"
#include "daemon/journal.h"
#include "net/https_server_internal.h"
#include "net/tls_identity.h"

namespace attestd::broker {
namespace asio = boost::asio;
using daemon::journal, daemon::Priority;
namespace events = daemon::events;

namespace {

constexpr std::chrono::minutes forget_interval{1};

std::int64_t now_s() { return static_cast<std::int64_t>(std::time(nullptr)); }

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string("attest-broker");
}

class Server {
 public:
  Server(Config config, Store& store, net::TlsIdentity identity, Keys keys, Reload reload)
      : config_(std::move(config)),
        reload_(std::move(reload)),
        identity_(std::move(identity)),
        service_(config_, store, std::move(keys), now_s),
        api_(daemon_.loop().get_executor(), config_, service_) {}

  Result<void> run(std::vector<UniqueFd> listeners) {
    ATTESTD_TRY(context_, identity_.context());
    for (UniqueFd& listener : listeners) {
      daemon_.add_server(
          std::move(listener), net::HttpLimits::of(config_.limits, config_.limits.body), api_.connections(),
          [this](net::HttpRequest request) { return api_.answer(std::move(request)); },
          net::over_tls([this] { return context_; }, config_.limits.handshake_timeout));
    }
    forget_later();
    journal(Priority::info, events::started,
            "releases secrets by attestation; the TLS key has the SHA-256 " + to_hex(identity_.spki_sha256()));
    daemon_.run("Releases secrets by attestation");
    timer_.cancel();
    api_.finish();
    record_silent_refusals();
    return {};
  }

 private:
  void record_silent_refusals() {
    if (const auto done = service_.record_silent_refusals(); !done) {
      journal(Priority::warning, events::failed, "cannot record how many were refused: " + done.error().text());
    }
  }

  // Challenges that expired need no longer be remembered as spent.
  void forget_later() {
    timer_.expires_after(forget_interval);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      api_.post([this] {
        if (const auto done = service_.forget_challenges(); !done) {
          journal(Priority::warning, events::failed, "cannot forget expired challenges: " + done.error().text());
        }
        record_silent_refusals();
      });
      forget_later();
    });
  }

  Result<std::string> reload() {
    ATTESTD_TRY(const Config fresh, reload_());
    ATTESTD_TRY(net::TlsIdentity identity, net::TlsIdentity::load(fresh.tls.certificate, fresh.tls.key));
    ATTESTD_TRY(context_, identity.context());
    identity_ = std::move(identity);
    daemon::set_log_level(fresh.log_level);
    return "read the log level and the certificate anew; its key has the SHA-256 " + to_hex(identity_.spki_sha256());
  }

  Config config_;
  Reload reload_;
  net::TlsIdentity identity_;
  std::shared_ptr<asio::ssl::context> context_;
  daemon::Daemon daemon_{[this] { return reload(); }};
  asio::steady_timer timer_{daemon_.loop()};
  Service service_;
  Api api_;
};

}  // namespace

std::unexpected<Error> no_certificate() {
  return fail(Errc::usage, "[tls] names no certificate: guests know the broker by it alone");
}

Result<std::unique_ptr<Store>> open_store(const Config& config) {
  ATTESTD_TRY(const std::string path, master_key_path(config));
  ATTESTD_TRY(Sealer sealer, Sealer::from_file(path));
  return Store::open(config.database, std::move(sealer), now_s(), {});
}

Result<void> serve(const Config& config, Store& store, std::vector<UniqueFd> listeners, Reload reload) {
  if (config.tls.certificate.empty()) return no_certificate();
  Config named = config;
  if (named.name.empty()) named.name = "https://" + host_name();
  ATTESTD_TRY(net::TlsIdentity identity, net::TlsIdentity::load(config.tls.certificate, config.tls.key));
  ATTESTD_TRY(Keys keys, provide_keys(store));
  Server server(std::move(named), store, std::move(identity), std::move(keys), std::move(reload));
  return server.run(std::move(listeners));
}

}  // namespace attestd::broker
