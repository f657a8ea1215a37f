// Lets many askers share one hardware report. Asio is in here.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "agent/batch_queue.h"
#include "agent/collector_internal.h"
#include "agent/evidence_request.h"
#include "agent/shared_bundle.h"

namespace attestd::agent {

class Batcher {
 public:
  Batcher(boost::asio::any_io_executor executor, Collector& collector, const Config& config, AgentState& state);

  // Waits for its turn, at most as long as a request may take.
  boost::asio::awaitable<std::expected<BundlePieces, Problem>> ask(EvidenceRequest request);

 private:
  struct Asker {
    EvidenceRequest request;
    boost::asio::steady_timer timer;
    std::optional<std::expected<BundlePieces, Problem>> answer;
  };
  using Batch = std::vector<std::shared_ptr<Asker>>;

  boost::asio::awaitable<std::expected<BundlePieces, Problem>> wait(EvidenceRequest request);
  void fly();
  boost::asio::awaitable<void> run(Batch batch);
  boost::asio::awaitable<std::expected<void, Problem>> answer(const Batch& batch);
  void refuse(const Batch& batch, const Problem& problem);

  boost::asio::any_io_executor executor_;
  Collector* collector_;
  AgentState* state_;
  std::chrono::milliseconds timeout_;
  BatchQueue<std::shared_ptr<Asker>> queue_;
  unsigned activations_ = 0;
};

}  // namespace attestd::agent
