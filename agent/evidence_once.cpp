#include "agent/evidence_once.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "agent/batcher_internal.h"
#include "agent/collector_internal.h"

namespace attestd::agent {
namespace asio = boost::asio;
namespace {

// Problems are named for what failed and how: "hardware-key-wiped".
Error error_of(const Problem& problem) {
  constexpr unsigned server_failed = 500;  // and above: HTTP status
  Error out{problem.kind.status >= server_failed ? Errc::unavailable : Errc::usage, problem.detail, std::nullopt, 0};
  for (const Errc code : {Errc::key_wiped, Errc::throttled, Errc::busy, Errc::timed_out}) {
    std::string name(to_string(code));
    std::ranges::replace(name, '_', '-');
    if (problem.kind.name.ends_with(name)) out.code = code;
  }
  return out;
}

}  // namespace

struct EvidenceOnce::Inner {
  Inner(Config given, Devices devices)
      : config(std::move(given)),
        state(initial_state(devices.platform)),
        mailbox(std::make_shared<LoopMailbox>([this](Task task) { asio::post(loop, std::move(task)); })),
        collector(loop.get_executor(), mailbox, config, std::move(devices), state),
        batcher(loop.get_executor(), collector, config, state) {}
  Inner(const Inner&) = delete;
  Inner& operator=(const Inner&) = delete;
  ~Inner() { mailbox->close(); }

  // Runs `job` to its end.
  template <class T>
  Result<T> await(asio::awaitable<std::expected<T, Problem>> job) {
    std::optional<std::expected<T, Problem>> out;
    asio::co_spawn(loop, keep(std::move(job), out), asio::detached);
    loop.restart();
    while (!out && loop.run_one() > 0) {
    }
    if (!out) return fail(Errc::internal, "the collection of evidence ended without a result");
    if (!*out) return std::unexpected(error_of(out->error()));
    return **std::move(out);
  }
  template <class T>
  static asio::awaitable<void> keep(asio::awaitable<std::expected<T, Problem>> job,
                                    std::optional<std::expected<T, Problem>>& into) {
    into = co_await std::move(job);
  }

  Config config;
  AgentState state;
  std::shared_ptr<LoopMailbox> mailbox;
  asio::io_context loop{1};
  Collector collector;
  Batcher batcher;
};

EvidenceOnce::EvidenceOnce(Config config, Devices devices)
    : inner_(std::make_unique<Inner>(std::move(config), std::move(devices))) {}
EvidenceOnce::~EvidenceOnce() = default;

const std::string& EvidenceOnce::platform() const { return inner_->state.platform.name; }

Result<std::string> EvidenceOnce::bundle(EvidenceRequest request) {
  ATTESTD_TRY(const BundlePieces pieces, inner_->await(inner_->batcher.ask(std::move(request))));
  return pieces.own + *pieces.shared;
}

Result<Bundle> EvidenceOnce::raw_report(const FixedBytes<64>& report_data) {
  ATTESTD_TRY(Collector::Evidence evidence, inner_->await(inner_->collector.collect(report_data)));
  return std::move(evidence.parts);
}

}  // namespace attestd::agent
