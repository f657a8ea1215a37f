#include "broker/refusal_log.h"

#include <algorithm>

namespace attestd::broker {
namespace {

constexpr std::int64_t minute_s = 60;
constexpr std::size_t addresses_limit = 64;
constexpr const char* others = "others";

}  // namespace

bool RefusalLog::admit(const std::string& address, std::int64_t now) {
  const std::scoped_lock lock(mutex_);
  if (const std::int64_t minute = now / minute_s; minute != minute_) {
    minute_ = minute;
    recorded_ = 0;
    recorded_of_.clear();
  }
  if (recorded_ < limits_.in_total) {
    unsigned& of_address = recorded_of_[address];
    if (of_address < limits_.per_address) {
      ++of_address;
      ++recorded_;
      return true;
    }
  }
  count({address, 1, now, now});
  return false;
}

void RefusalLog::count(const UnrecordedRefusals& more) {
  const bool room = unrecorded_.contains(more.address) || unrecorded_.size() < addresses_limit;
  const std::string key = room ? more.address : others;
  const auto [at, is_new] = unrecorded_.try_emplace(key, more);
  at->second.address = key;
  if (is_new) return;
  at->second.count += more.count;
  at->second.first = std::min(at->second.first, more.first);
  at->second.last = std::max(at->second.last, more.last);
}

std::vector<UnrecordedRefusals> RefusalLog::take() {
  const std::scoped_lock lock(mutex_);
  std::vector<UnrecordedRefusals> out;
  for (auto& [address, refusals] : unrecorded_) out.push_back(std::move(refusals));
  unrecorded_.clear();
  return out;
}

void RefusalLog::put_back(const std::vector<UnrecordedRefusals>& refusals) {
  const std::scoped_lock lock(mutex_);
  for (const UnrecordedRefusals& one : refusals) count(one);
}

}  // namespace attestd::broker
