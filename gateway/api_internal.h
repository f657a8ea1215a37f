// The resources that the gateway offers: attestd's, for who comes over TLS. Asio is in here.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "gateway/agent_client_internal.h"
#include "gateway/config.h"
#include "net/http_server_internal.h"
#include "net/turnstile_internal.h"

namespace attestd::gateway {

struct Counters {
  net::HttpCounters connections;
  std::int64_t certificate_expiry = 0;  // Unix seconds; 0: an operator's
  bool certificate_has_evidence = false;
};

class Api {
 public:
  Api(boost::asio::any_io_executor executor, AgentClient& agent, net::Turnstile& turnstile, const Config& config,
      const Counters& counters)
      : executor_(std::move(executor)),
        agent_(&agent),
        turnstile_(&turnstile),
        config_(&config),
        counters_(&counters) {}
  boost::asio::awaitable<net::HttpResponse> answer(net::HttpRequest request);

 private:
  // attestd's answer to a GET that is the same for all, asked for once for those who come within
  // status-max-age, or while it is on its way.
  boost::asio::awaitable<net::HttpResponse> shared(std::string path);
  boost::asio::awaitable<net::HttpResponse> metrics();
  boost::asio::awaitable<net::HttpResponse> evidence(net::HttpRequest request);
  boost::asio::awaitable<net::HttpResponse> forward(AgentRequest request);
  [[nodiscard]] std::string own_metrics() const;

  struct Shared {
    boost::asio::steady_timer done;
    std::optional<net::HttpResponse> response;
    std::chrono::steady_clock::time_point at;
  };
  boost::asio::any_io_executor executor_;
  AgentClient* agent_;
  net::Turnstile* turnstile_;
  const Config* config_;
  const Counters* counters_;
  std::map<std::string, std::shared_ptr<Shared>, std::less<>> shared_;  // by path
};

// The body of a request for evidence with the channel that it came over put in.
// Problems: malformed-json, malformed-request, not-permitted (it names a channel
// itself, or has the purpose "unlock", which is for who is in the VM).
std::expected<std::string, Problem> with_channel(std::string_view body, const net::TlsChannel& channel);

}  // namespace attestd::gateway
