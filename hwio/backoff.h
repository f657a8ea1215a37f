// Waiting longer each time.
#pragma once

#include <chrono>

namespace attestd::hwio {

class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds most) : next_(first), most_(most) {}
  void wait();  // blocks the thread

 private:
  std::chrono::milliseconds next_;
  std::chrono::milliseconds most_;
};

}  // namespace attestd::hwio
