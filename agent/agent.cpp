#include "agent/agent.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "agent/api_internal.h"
#include "daemon/journal.h"
#include "daemon/service_manager.h"
#include "daemon/watchdog_internal.h"

namespace attestd::agent {
namespace asio = boost::asio;
using daemon::journal, daemon::Priority;
namespace events = daemon::events;
namespace {

constexpr std::chrono::seconds drain_time{10};
constexpr std::chrono::seconds status_interval{30};

std::string status_line(const AgentState& state) {
  const HealthReport health = health_of(state);
  std::string line = std::to_string(state.metrics.evidence_made) + " proofs given";
  for (const std::string& reason : health.unhealthy) line += "; " + reason;
  for (char& c : line) c = c == '\n' ? ' ' : c;
  return line;
}

}  // namespace

struct Agent::Inner {
  Inner(Config given, Devices devices, UniqueFd listener, AgentHooks given_hooks)
      : config(std::move(given)),
        hooks(std::move(given_hooks)),
        state(initial_state(devices.platform)),
        mailbox(std::make_shared<LoopMailbox>([this](Task task) { asio::post(loop, std::move(task)); })),
        collector(loop.get_executor(), mailbox, config, std::move(devices), state),
        batcher(loop.get_executor(), collector, config, state),
        cached(loop.get_executor(), batcher, config, state),
        api(collector, batcher, cached, config, state),
        server(
            loop.get_executor(), std::move(listener),
            {.body = request_body_limit,
             .connections = config.api.max_connections,
             .request = config.api.request_timeout,
             .answer = config.api.request_timeout,
             .idle = config.api.idle_timeout},
            state.metrics.connections, [this](HttpRequest request) { return api.answer(std::move(request)); },
            [](const std::string& sentence, bool accepting) {
              journal(Priority::error, accepting ? events::accept_failed : events::failed, sentence);
            }) {}
  Inner(const Inner&) = delete;
  Inner& operator=(const Inner&) = delete;
  ~Inner() { mailbox->close(); }

  void run() {
    if (hooks.signals) await_signal();
    server.start();
    notify("READY=1\nSTATUS=Looking for devices");
    if (hooks.ready) hooks.ready();
    asio::co_spawn(loop, after_ready(), asio::detached);
    if (hooks.service) {
      watchdog.start();
      keep_status();
    }
    loop.run();
  }

  asio::awaitable<void> after_ready() {
    co_await collector.warm_up();
    journal(Priority::info, events::started,
            "attests as " + state.platform.name + " with " + std::to_string(state.host_keys.keys.size()) +
                " ssh host keys; reports from " + state.hardware.where + "; TPM " +
                (collector.has_tpm() ? state.tpm.where : "none: " + state.tpm.reason));
    notify("STATUS=" + status_line(state));
  }

  void await_signal() {
    signals.async_wait([this](const boost::system::error_code& error, int number) {
      if (error) return;
      if (number == SIGHUP) {
        reload();
        await_signal();
      } else {
        stop();
      }
    });
  }

  void reload() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    notify("RELOADING=1\nMONOTONIC_USEC=" +
           std::to_string(static_cast<long long>(now.tv_sec) * 1000000 + now.tv_nsec / 1000));
    if (auto fresh = hooks.reload ? hooks.reload() : Result<Config>(config)) {
      // Sockets, devices and limits stay what they were until a restart.
      config.ssh = fresh->ssh;
      daemon::set_log_level(fresh->log.level);
      collector.reload(config);
      journal(Priority::notice, events::reloaded, "read the configuration and the ssh host keys anew");
    } else {
      journal(Priority::error, events::configuration_refused, "kept the old configuration: " + fresh.error().text());
    }
    notify("READY=1");
    asio::co_spawn(
        loop, [this]() -> asio::awaitable<void> { (void)co_await collector.surroundings(); }, asio::detached);
  }

  void stop() {
    if (std::exchange(stopping, true)) {
      loop.stop();
      return;
    }
    notify("STOPPING=1");
    journal(Priority::info, events::stopping, "finishes what is under way and stops");
    drain_timer.expires_after(drain_time);
    drain_timer.async_wait([this](const boost::system::error_code& error) {
      if (!error) loop.stop();
    });
    server.drain([this] { loop.stop(); });
    if (hooks.signals && !loop.stopped()) await_signal();  // a second one does not wait
  }

  void keep_status() {
    status_timer.expires_after(status_interval);
    status_timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      notify("STATUS=" + status_line(state));
      keep_status();
    });
  }

  void notify(const std::string& text) const {
    if (hooks.service) daemon::notify_manager(text);
  }

  Config config;
  AgentHooks hooks;
  AgentState state;
  std::shared_ptr<LoopMailbox> mailbox;
  // The collector's threads, and the rest, go before what they use: the loop's
  // destructor ends coroutines that refer to all of these.
  asio::io_context loop{1};
  asio::signal_set signals{loop};
  asio::steady_timer drain_timer{loop};
  daemon::Watchdog watchdog{loop.get_executor()};
  asio::steady_timer status_timer{loop};
  Collector collector;
  Batcher batcher;
  CachedEvidence cached;
  Api api;
  net::HttpServer server;
  bool stopping = false;
};

Agent::Agent(Config config, Devices devices, UniqueFd listener, AgentHooks hooks)
    : inner_(std::make_unique<Inner>(std::move(config), std::move(devices), std::move(listener), std::move(hooks))) {
  if (inner_->hooks.signals) {
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) inner_->signals.add(number);
  }
}

Agent::~Agent() = default;

void Agent::run() { inner_->run(); }

void Agent::stop() {
  asio::post(inner_->loop, [inner = inner_.get()] { inner->stop(); });
}

Result<void> run_agent(Config config, Devices devices, AgentHooks hooks) {
  ATTESTD_TRY(UniqueFd listener, daemon::take_passed_socket());
  if (!listener) {
    ATTESTD_TRY(listener, daemon::listen_at(config.api.socket));
  }
  Agent agent(std::move(config), std::move(devices), std::move(listener), std::move(hooks));
  agent.run();
  return {};
}

}  // namespace attestd::agent
