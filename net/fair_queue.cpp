#include "net/fair_queue.h"

#include <algorithm>

namespace attestd::net {

FairQueue::Entry FairQueue::enter(const std::string& address, Ticket ticket) {
  Address& own = addresses_[address];
  // Nobody overtakes who waits at the same address; another address's turn is its own.
  if (own.waiting.empty() && running_ < limits_.running && own.running < limits_.running_per_address) {
    ++own.running;
    ++running_;
    return Entry::runs;
  }
  if (own.waiting.size() >= limits_.waiting_per_address) return Entry::address_full;
  if (waiting_ >= limits_.waiting) {
    forget_if_unused(address);
    return Entry::full;
  }
  if (own.waiting.empty()) turns_.push_back(address);
  own.waiting.push_back(ticket);
  ++waiting_;
  return Entry::waits;
}

void FairQueue::finished(const std::string& address) {
  --addresses_.at(address).running;
  --running_;
  forget_if_unused(address);
}

std::optional<FairQueue::Ticket> FairQueue::next() {
  if (running_ >= limits_.running) return std::nullopt;
  const auto turn = std::ranges::find_if(turns_, [this](const std::string& address) {
    return addresses_.at(address).running < limits_.running_per_address;
  });
  if (turn == turns_.end()) return std::nullopt;
  Address& own = addresses_.at(*turn);
  const Ticket ticket = own.waiting.front();
  own.waiting.pop_front();
  --waiting_;
  ++own.running;
  ++running_;
  // Behind the others, or out when nobody waits there.
  if (own.waiting.empty()) {
    turns_.erase(turn);
  } else {
    turns_.splice(turns_.end(), turns_, turn);
  }
  return ticket;
}

bool FairQueue::abandon(const std::string& address, Ticket ticket) {
  const auto found = addresses_.find(address);
  if (found == addresses_.end()) return false;
  auto& waiting = found->second.waiting;
  const auto place = std::ranges::find(waiting, ticket);
  if (place == waiting.end()) return false;
  waiting.erase(place);
  --waiting_;
  if (waiting.empty()) turns_.remove(address);
  forget_if_unused(address);
  return true;
}

void FairQueue::forget_if_unused(const std::string& address) {
  const auto found = addresses_.find(address);
  if (found->second.running == 0 && found->second.waiting.empty()) addresses_.erase(found);
}

}  // namespace attestd::net
