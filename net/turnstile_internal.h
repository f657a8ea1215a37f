// FairQueue for coroutines. Asio is in here.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <expected>
#include <map>
#include <memory>
#include <string>

#include "net/fair_queue.h"
#include "net/problem.h"
#include "net/server_limits.h"

namespace attestd::net {

class Turnstile {
 public:
  // Nobody waits for longer than `patience`.
  Turnstile(const boost::asio::any_io_executor& executor, FairQueue::Limits limits, std::chrono::milliseconds patience)
      : executor_(executor), queue_(limits), patience_(patience) {}
  Turnstile(const boost::asio::any_io_executor& executor, const ServerLimits& limits,
            std::chrono::milliseconds patience)
      : Turnstile(executor,
                  {.running = limits.requests,
                   .running_per_address = limits.requests_per_address,
                   .waiting = limits.waiting,
                   .waiting_per_address = limits.waiting_per_address},
                  patience) {}

  // The right to run; it ends with the object.
  class Pass {
   public:
    Pass(Turnstile& owner, std::string address) : owner_(&owner), there_(owner.there_), address_(std::move(address)) {}
    Pass(Pass&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)),
          there_(std::move(other.there_)),
          address_(std::move(other.address_)) {}
    Pass& operator=(Pass&&) = delete;
    // What throws here has no memory left, and ends the process.
    ~Pass() {  // NOLINT(bugprone-exception-escape)
      if (owner_ != nullptr && !there_.expired()) owner_->finished(address_);
    }

   private:
    Turnstile* owner_;
    std::weak_ptr<const bool> there_;
    std::string address_;
  };

  // Problems: too-many-requests, overloaded.
  boost::asio::awaitable<std::expected<Pass, Problem>> enter(std::string address);

  [[nodiscard]] const FairQueue& queue() const { return queue_; }

 private:
  void finished(const std::string& address);
  void call_next();

  boost::asio::any_io_executor executor_;
  FairQueue queue_;
  std::chrono::milliseconds patience_;
  FairQueue::Ticket last_ticket_ = 0;
  struct Waiter {
    boost::asio::steady_timer timer;
    bool called = false;
  };
  std::map<FairQueue::Ticket, std::shared_ptr<Waiter>> waiters_;
  // A request that is cut off at the end keeps its pass until the loop goes, after us.
  std::shared_ptr<const bool> there_ = std::make_shared<const bool>(true);
};

}  // namespace attestd::net
