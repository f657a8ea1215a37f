// Who shares the next report. Sans I/O: the rules alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <vector>

namespace attestd::agent {

// Askers wait while a report is in flight; when it lands, all who wait (at most
// `max`) share the next. With nothing in flight an asker is a batch at once: there
// is no timer here, and so no wait that was put in on purpose.
template <class Asker>
class BatchQueue {
 public:
  BatchQueue(std::size_t max, std::size_t max_waiting) : max_(max), max_waiting_(max_waiting) {}

  // False when too many wait.
  bool push(Asker asker) {
    if (waiting_.size() >= max_waiting_) return false;
    waiting_.push_back(std::move(asker));
    return true;
  }

  // The next batch, in the order of asking; empty while one is in flight.
  std::vector<Asker> begin() {
    std::vector<Asker> batch;
    if (in_flight_ || waiting_.empty()) return batch;
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(max_, waiting_.size()));
    batch.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
    in_flight_ = true;
    return batch;
  }
  void landed() { in_flight_ = false; }

  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  std::size_t max_;
  std::size_t max_waiting_;
  bool in_flight_ = false;
  std::deque<Asker> waiting_;
};

}  // namespace attestd::agent
