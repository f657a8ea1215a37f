#include "gateway/gateway.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/json/serialize.hpp>
#include <ctime>

#include "agent/evidence_request.h"
#include "agent/resources.h"
#include "base/encoding.h"
#include "base/random.h"
#include "daemon/daemon_internal.h"
#include "evidence/channel_json_internal.h"
#include "gateway/api_internal.h"
#include "gateway/certificate_bundle.h"
#include "net/asio_into_internal.h"
#include "net/https_server_internal.h"
#include "net/tls_identity.h"

namespace attestd::gateway {
namespace asio = boost::asio;
using daemon::journal, daemon::Priority;
namespace events = daemon::events;

namespace {

constexpr std::chrono::seconds evidence_retry{30};
constexpr std::chrono::hours certificate_lifetime{24};
constexpr std::chrono::hours last_hour{1};
constexpr std::size_t nonce_size = 32;  // bytes

std::int64_t now_s() { return static_cast<std::int64_t>(std::time(nullptr)); }

class Gateway {
 public:
  Gateway(Config config, net::TlsIdentity identity, Reload reload)
      : config_(std::move(config)),
        reload_(std::move(reload)),
        identity_(std::move(identity)),
        agent_(daemon_.loop().get_executor(), config_.agent, config_.limits.agent_timeout, config_.limits.requests),
        turnstile_(daemon_.loop().get_executor(), config_.limits, config_.limits.agent_timeout),
        api_(daemon_.loop().get_executor(), agent_, turnstile_, config_, counters_) {}

  Result<void> run(std::vector<UniqueFd> listeners) {
    if (makes_certificate()) {
      ATTESTD_CHECK(certify({}));
    } else {
      ATTESTD_TRY(context_, identity_.context());
    }
    for (UniqueFd& listener : listeners) {
      daemon_.add_server(
          std::move(listener), net::HttpLimits::of(config_.limits, agent::request_body_limit), counters_.connections,
          [this](net::HttpRequest request) { return api_.answer(std::move(request)); },
          net::over_tls([this] { return context_; }, config_.limits.handshake_timeout));
    }
    if (makes_certificate()) asio::co_spawn(daemon_.loop(), keep_certificate(), asio::detached);
    journal(Priority::info, events::started,
            "serves the evidence of " + config_.agent + "; the key has the SHA-256 " + to_hex(identity_.spki_sha256()));
    daemon_.run("Serves evidence of " + config_.agent);
    return {};
  }

 private:
  [[nodiscard]] bool makes_certificate() const { return config_.tls.certificate.empty(); }

  Result<void> certify(std::string_view cmw) {
    constexpr std::int64_t lifetime_s = std::chrono::seconds(certificate_lifetime).count();
    const std::int64_t now = now_s();
    ATTESTD_CHECK(identity_.certify(now, lifetime_s, cmw));
    ATTESTD_TRY(context_, identity_.context());
    counters_.certificate_expiry = now + lifetime_s;
    counters_.certificate_has_evidence = !cmw.empty();
    return {};
  }

  // The certificate is renewed long before its end, and gets its evidence as soon as
  // attestd gives some.
  asio::awaitable<void> keep_certificate() {
    asio::steady_timer timer(daemon_.loop());
    boost::system::error_code error;
    std::string last_problem;
    for (;;) {
      auto cmw = co_await evidence_of_key();
      // One that has evidence is not given up for one that has none until it must be.
      const std::chrono::seconds left(counters_.certificate_expiry - now_s());
      const bool due = left < (counters_.certificate_has_evidence ? last_hour : certificate_lifetime / 2);
      if (cmw || due) {
        if (auto made = certify(cmw ? std::string_view(*cmw) : std::string_view()); !made)
          cmw = std::unexpected(made.error());
      }
      const std::string problem = cmw ? std::string() : cmw.error().text();
      if (problem != last_problem && !problem.empty()) {
        journal(Priority::warning, events::evidence_incomplete,
                (counters_.certificate_has_evidence ? "the certificate keeps its earlier evidence: "
                                                    : "the certificate is without evidence: ") +
                    problem);
      }
      last_problem = problem;
      timer.expires_after(cmw ? std::chrono::seconds(certificate_lifetime / 2) : evidence_retry);
      co_await timer.async_wait(net::into(error));
      if (error) co_return;
    }
  }

  asio::awaitable<Result<std::string>> evidence_of_key() {
    auto nonce = random_bytes(nonce_size);
    if (!nonce) co_return std::unexpected(std::move(nonce).error());
    const boost::json::object body{{"nonce", to_base64url(*nonce)},
                                   {"channel", channel_to_json({identity_.spki_sha256(), {}})}};
    AgentRequest request{"POST", std::string(agent::evidence_resource), boost::json::serialize(body)};
    auto response = co_await agent_.ask(std::move(request));
    if (!response) co_return std::unexpected(std::move(response).error());
    if (response->status != 200) {
      co_return fail(Errc::unavailable, "attestd answered with status " + std::to_string(response->status) + ": " +
                                            response->body.substr(0, 300));
    }
    co_return bundle_for_certificate(response->body);
  }

  // The log level, and an operator's certificate. The rest stays what it was until a restart.
  Result<std::string> reload() {
    ATTESTD_TRY(const Config fresh, reload_());
    if (makes_certificate() != fresh.tls.certificate.empty()) {
      return fail(Errc::usage, "[tls] begins or ends to name a certificate, which needs a restart");
    }
    if (!makes_certificate()) {
      ATTESTD_TRY(net::TlsIdentity identity, net::TlsIdentity::load(fresh.tls.certificate, fresh.tls.key));
      ATTESTD_TRY(context_, identity.context());
      identity_ = std::move(identity);
    }
    daemon::set_log_level(fresh.log_level);
    return makes_certificate() ? "read the log level anew"
                               : "read the log level and the certificate anew; its key has the SHA-256 " +
                                     to_hex(identity_.spki_sha256());
  }

  Config config_;
  Reload reload_;
  net::TlsIdentity identity_;
  Counters counters_;
  std::shared_ptr<asio::ssl::context> context_;
  daemon::Daemon daemon_{[this] { return reload(); }};
  AgentClient agent_;
  net::Turnstile turnstile_;
  Api api_;
};

}  // namespace

Result<void> serve(Config config, std::vector<UniqueFd> listeners, Reload reload) {
  ATTESTD_TRY(net::TlsIdentity identity, config.tls.certificate.empty()
                                             ? net::TlsIdentity::make()
                                             : net::TlsIdentity::load(config.tls.certificate, config.tls.key));
  Gateway gateway(std::move(config), std::move(identity), std::move(reload));
  return gateway.run(std::move(listeners));
}

}  // namespace attestd::gateway
