#include <malloc.h>

#include "daemon/spare_memory_internal.h"

namespace attestd::daemon {
namespace {

constexpr std::chrono::seconds interval{1};
constexpr std::size_t spare = std::size_t{2} << 20U;  // bytes

}  // namespace

void SpareMemory::start() {
  timer_.expires_after(interval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    look();
    start();
  });
}

void SpareMemory::look() {
  const std::size_t free = ::mallinfo2().fordblks;
  // What was free a second ago as well is not about to be used.
  if (std::min(free, free_before_) > spare) {
    ::malloc_trim(0);
    free_before_ = 0;
    return;
  }
  free_before_ = free;
}

}  // namespace attestd::daemon
