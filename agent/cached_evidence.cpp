#include "agent/cached_evidence_internal.h"

#include "base/encoding.h"
#include "base/random.h"
#include "evidence/digest.h"
#include "net/asio_into_internal.h"

namespace attestd::agent {
namespace asio = boost::asio;
namespace {

constexpr std::size_t nonce_size = 32;  // bytes

// The statement's nonce is random, so no two bundles have the same tag.
std::string etag_of(const BundlePieces& pieces) {
  return '"' + to_base64url(digest(HashAlgorithm::sha256, {as_bytes(pieces.own)})) + '"';
}

}  // namespace

CachedEvidence::CachedEvidence(asio::any_io_executor executor, Batcher& batcher, const Config& config,
                               AgentState& state)
    : executor_(std::move(executor)),
      batcher_(&batcher),
      state_(&state),
      max_age_(config.api.cached_evidence_max_age),
      timeout_(config.api.request_timeout) {}

asio::awaitable<CachedEvidence::Answer> CachedEvidence::get() {
  if (last_ && std::chrono::steady_clock::now() - last_->made_at < max_age_) co_return last_;
  if (const auto making = making_.lock()) {
    boost::system::error_code ignored;
    co_await making->done.async_wait(net::into(ignored));
    if (making->answer) co_return *making->answer;
    co_return std::unexpected(Problem{problems::hardware_busy, "the evidence was not made in time; ask again", {}});
  }
  const auto making = std::make_shared<Making>(asio::steady_timer(executor_, timeout_), std::nullopt);
  making_ = making;
  making->answer = co_await make();
  making_.reset();
  making->done.cancel();
  co_return *making->answer;
}

asio::awaitable<CachedEvidence::Answer> CachedEvidence::make() {
  last_.reset();
  auto nonce = random_bytes(nonce_size);
  if (!nonce) co_return std::unexpected(Problem{problems::internal, nonce.error().text(), {}});
  EvidenceRequest request;
  request.nonce = *std::move(nonce);
  request.purpose = Purpose::monitor;
  // The statement's time is older than the bundle, and age counts from it.
  const auto begun = std::chrono::steady_clock::now();
  auto pieces = co_await batcher_->ask(std::move(request));
  if (!pieces) co_return std::unexpected(std::move(pieces).error());
  ++state_->metrics.cached_evidence_made;
  std::string etag = etag_of(*pieces);
  last_ = std::make_shared<const CachedBundle>(*std::move(pieces), std::move(etag), begun);
  co_return last_;
}

bool names_etag(std::string_view if_none_match, std::string_view etag) {
  constexpr std::string_view blanks = " \t";
  std::string_view rest = if_none_match;
  const auto skip = [&rest](std::string_view characters) {
    rest.remove_prefix(std::min(rest.find_first_not_of(characters), rest.size()));
  };
  skip(blanks);
  if (rest == "*") return true;
  while (!rest.empty()) {
    if (rest.starts_with("W/")) rest.remove_prefix(2);
    const std::size_t end = rest.starts_with('"') ? rest.find('"', 1) : std::string_view::npos;
    if (end == std::string_view::npos) return false;
    if (rest.substr(0, end + 1) == etag) return true;
    rest.remove_prefix(end + 1);
    skip(" \t,");
  }
  return false;
}

}  // namespace attestd::agent
