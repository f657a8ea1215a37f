// GET /v1/evidence: evidence that many share for a while, for monitors that poll.
// Asio is in here.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "agent/batcher_internal.h"

namespace attestd::agent {

// A bundle whose nonce is ours: its freshness is its age.
struct CachedBundle {
  BundlePieces pieces;
  std::string etag;  // strong, of the statement, with its quotes: "\"…\""
  std::chrono::steady_clock::time_point made_at;
};

class CachedEvidence {
 public:
  // `max_age`: an older bundle is not given to anybody.
  CachedEvidence(boost::asio::any_io_executor executor, Batcher& batcher, const Config& config, AgentState& state);

  // The bundle of purpose monitor that is there, or a new one. All who ask while it is
  // being made share it, and its problem when it fails.
  boost::asio::awaitable<std::expected<std::shared_ptr<const CachedBundle>, Problem>> get();
  [[nodiscard]] std::chrono::milliseconds max_age() const { return max_age_; }

 private:
  using Answer = std::expected<std::shared_ptr<const CachedBundle>, Problem>;
  struct Making {
    boost::asio::steady_timer done;
    std::optional<Answer> answer;
  };
  boost::asio::awaitable<Answer> make();

  boost::asio::any_io_executor executor_;
  Batcher* batcher_;
  AgentState* state_;
  std::chrono::milliseconds max_age_;
  std::chrono::milliseconds timeout_;
  std::shared_ptr<const CachedBundle> last_;
  std::weak_ptr<Making> making_;
};

// Whether an If-None-Match names this entity tag (RFC 9110 section 13.1.2: "*", or a
// list that is compared weakly). What is no list of entity tags names nothing.
bool names_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace attestd::agent
