#include "net/asio_into_internal.h"
#include "net/turnstile_internal.h"

namespace attestd::net {
namespace asio = boost::asio;

asio::awaitable<std::expected<Turnstile::Pass, Problem>> Turnstile::enter(std::string address) {
  const FairQueue::Ticket ticket = ++last_ticket_;
  const FairQueue::Entry entry = queue_.enter(address, ticket);
  if (entry == FairQueue::Entry::runs) co_return Pass(*this, std::move(address));
  if (entry == FairQueue::Entry::address_full) {
    co_return refuse(problems::too_many_requests, "as many requests of " + address + " wait as may; try again");
  }
  if (entry == FairQueue::Entry::full) {
    co_return refuse(problems::overloaded, "as many requests wait as may; try again");
  }
  const auto waiter = std::make_shared<Waiter>(asio::steady_timer(executor_, patience_));
  waiters_.emplace(ticket, waiter);
  boost::system::error_code error;
  co_await waiter->timer.async_wait(into(error));
  waiters_.erase(ticket);
  if (waiter->called) co_return Pass(*this, std::move(address));
  queue_.abandon(address, ticket);
  call_next();
  co_return refuse(problems::overloaded, "the request's turn did not come in time; try again");
}

void Turnstile::finished(const std::string& address) {
  queue_.finished(address);
  call_next();
}

void Turnstile::call_next() {
  while (const auto ticket = queue_.next()) {
    const auto& waiter = waiters_.at(*ticket);
    waiter->called = true;
    waiter->timer.cancel();
  }
}

}  // namespace attestd::net
