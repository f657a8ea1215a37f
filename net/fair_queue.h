// Who may ask attestd next: every address has its turn, however much one of them asks.
// A state machine over values; nothing here waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>

namespace attestd::net {

class FairQueue {
 public:
  struct Limits {
    std::size_t running = 1;              // in all
    std::size_t running_per_address = 1;  // at least 1
    std::size_t waiting = 0;              // in all
    std::size_t waiting_per_address = 0;
  };
  using Ticket = std::uint64_t;
  enum class Entry { runs, waits, address_full, full };

  explicit FairQueue(Limits limits) : limits_(limits) {}

  // Whether `ticket`, new and its own, runs at once, waits, or is refused: because its
  // address has as many waiting as it may, or all have.
  Entry enter(const std::string& address, Ticket ticket);
  // `address` has one fewer that runs.
  void finished(const std::string& address);
  // The next that runs: the oldest of the address whose turn it is. Ask until there is
  // none, after each finished() and abandon().
  std::optional<Ticket> next();
  // One that waits no longer. False when it does not wait.
  bool abandon(const std::string& address, Ticket ticket);

  [[nodiscard]] std::size_t running() const { return running_; }
  [[nodiscard]] std::size_t waiting() const { return waiting_; }

 private:
  struct Address {
    std::size_t running = 0;
    std::deque<Ticket> waiting;
  };
  void forget_if_unused(const std::string& address);

  Limits limits_;
  std::map<std::string, Address> addresses_;
  std::list<std::string> turns_;  // addresses with somebody waiting, the next one first
  std::size_t running_ = 0;
  std::size_t waiting_ = 0;
};

}  // namespace attestd::net
