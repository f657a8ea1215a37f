#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <map>

#include "agent/batcher_internal.h"

namespace attestd::agent {
namespace asio = boost::asio;
namespace {
constexpr unsigned key_attempts = 3;
constexpr unsigned most_activations = 4;  // under way at once
}  // namespace

Batcher::Batcher(asio::any_io_executor executor, Collector& collector, const Config& config, AgentState& state)
    : executor_(std::move(executor)),
      collector_(&collector),
      state_(&state),
      timeout_(config.api.request_timeout),
      queue_(config.batching.enabled ? config.batching.max : 1,
             std::max<std::size_t>(config.api.max_connections, config.batching.max)) {}

asio::awaitable<std::expected<BundlePieces, Problem>> Batcher::ask(EvidenceRequest request) {
  if (!request.activation) co_return co_await wait(std::move(request));
  // Each costs the TPM a key, before the report that all the others wait for.
  if (activations_ >= most_activations) {
    co_return std::unexpected(Problem{problems::overloaded, "too many credentials wait for the TPM; ask again", {}});
  }
  ++activations_;
  auto answer = co_await wait(std::move(request));
  --activations_;
  co_return answer;
}

asio::awaitable<std::expected<BundlePieces, Problem>> Batcher::wait(EvidenceRequest request) {
  auto asker = std::make_shared<Asker>(std::move(request), asio::steady_timer(executor_, timeout_), std::nullopt);
  if (!queue_.push(asker)) {
    co_return std::unexpected(Problem{problems::overloaded, "too many askers wait for a report; ask again", {}});
  }
  fly();
  if (!asker->answer) {
    boost::system::error_code ignored;
    co_await asker->timer.async_wait(net::into(ignored));
  }
  if (asker->answer) co_return *std::move(asker->answer);
  co_return std::unexpected(
      Problem{problems::hardware_busy, "the report devices did not get to this request in time; ask again later", {}});
}

void Batcher::fly() {
  Batch batch = queue_.begin();
  state_->askers_waiting = queue_.waiting();
  if (!batch.empty()) asio::co_spawn(executor_, run(std::move(batch)), asio::detached);
}

asio::awaitable<void> Batcher::run(Batch batch) {
  try {
    state_->metrics.batch_askers.observe(static_cast<double>(batch.size()));
    auto done = co_await answer(batch);
    if (!done) refuse(batch, done.error());
  } catch (const std::exception& exception) {
    refuse(batch, {problems::internal, std::string("evidence could not be put together: ") + exception.what(), {}});
  }
  queue_.landed();
  fly();
}

asio::awaitable<std::expected<void, Problem>> Batcher::answer(const Batch& batch) {
  const auto surroundings = co_await collector_->surroundings();
  if (!surroundings) {
    co_return std::unexpected(
        Problem{problems::collection_failed,
                "host keys, volumes and provisioning cannot be read: " + surroundings.error().text(),
                {}});
  }
  Bytes ak_name;
  if (collector_->has_tpm()) {
    auto name = co_await collector_->attestation_key_name();
    if (!name) co_return std::unexpected(tpm_problem(name.error(), state_->tpm.where));
    ak_name = *std::move(name);
  }
  std::map<const Asker*, Bytes> activated;
  for (const auto& asker : batch) {
    if (!asker->request.activation || !collector_->has_tpm()) continue;
    // What goes wrong is this asker's affair: the others share the report all the same.
    if (auto hash = co_await collector_->activate(*asker->request.activation)) {
      activated[asker.get()] = *std::move(hash);
    }
  }
  for (unsigned attempt = 0; attempt < key_attempts; ++attempt) {
    std::vector<std::string> statements;
    std::vector<MerkleHash> leaves;
    statements.reserve(batch.size());
    leaves.reserve(batch.size());
    for (const auto& asker : batch) {
      Statement statement = build_statement(asker->request, *surroundings, state_->platform, state_->boot_id, ak_name);
      if (const auto found = activated.find(asker.get()); found != activated.end()) {
        statement.ak_activation = found->second;
      }
      statements.push_back(encode_statement(statement));
      leaves.push_back(merkle_leaf(as_bytes(statements.back())));
    }
    const MerkleTree tree(std::move(leaves));
    auto evidence = co_await collector_->collect(tree.root());
    if (!evidence) co_return std::unexpected(std::move(evidence).error());
    // The TPM was replaced between the statement and the quote: say it anew.
    if (evidence->ak_name && *evidence->ak_name != ak_name) {
      ak_name = *evidence->ak_name;
      continue;
    }
    const auto shared = encode_shared_parts(evidence->parts);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      batch[i]->answer = encode_own_parts(to_bytes(statements[i]), tree.prove(i), shared);
      batch[i]->timer.cancel();
    }
    co_return std::expected<void, Problem>();
  }
  co_return std::unexpected(
      Problem{problems::tpm_unavailable, "the TPM changes its key from one call to the next", {}});
}

void Batcher::refuse(const Batch& batch, const Problem& problem) {
  for (const auto& asker : batch) {
    if (asker->answer) continue;
    asker->answer = std::unexpected(problem);
    asker->timer.cancel();
  }
}

}  // namespace attestd::agent
