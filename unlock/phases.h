// How long each phase of an unlock takes, to be told when it is done.
#pragma once

#include <array>
#include <chrono>
#include <string>

#include "unlock/release.h"

namespace attestd::unlock {

enum class Phase { header, devices, evidence, requests, hand_over };
inline constexpr std::size_t phase_count = 5;

class Phases {
 public:
  using Clock = std::chrono::steady_clock;

  // The job's result; its time is the phase's, on top of what that had.
  template <class Job>
  auto measure(Phase phase, const Job& job) {
    const auto begin = Clock::now();
    auto out = job();
    add(phase, Clock::now() - begin);
    return out;
  }
  void add(Phase phase, Clock::duration spent);

  // The same, measured. They refer to this object.
  Attester measured(Attester attester);
  Fetch measured(Fetch fetch);

  // "header 2 ms, devices 5 ms, evidence 40 ms, 3 requests 90 ms, hand-over 1 ms, all 150 ms": without phases
  // that there were none of; all: since this object was made.
  [[nodiscard]] std::string text() const;

 private:
  struct Spent {
    Clock::duration time{};
    int times = 0;
  };
  Clock::time_point begin_ = Clock::now();
  std::array<Spent, phase_count> spent_{};
};

}  // namespace attestd::unlock
