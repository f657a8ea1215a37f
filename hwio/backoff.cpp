#include "hwio/backoff.h"

#include <algorithm>
#include <thread>

namespace attestd::hwio {

void Backoff::wait() {
  const auto now = std::min(next_, most_);
  if (now.count() > 0) std::this_thread::sleep_for(now);
  next_ = std::min(now * 2, most_);
}

}  // namespace attestd::hwio
