// How many refusals the audit log has singly. Strangers can be refused as often as they like, and each record is a
// write and stays for ever: beyond their share they are counted, and one record says how many there were.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace attestd::broker {

// In a minute of the clock.
struct RefusalLimits {
  unsigned per_address = 30;
  unsigned in_total = 300;
};

// Refusals of one address that no record of their own tells of.
struct UnrecordedRefusals {
  std::string address;  // "others": of all beyond the first 64 addresses
  std::uint64_t count = 0;
  std::int64_t first = 0;  // Unix seconds
  std::int64_t last = 0;
};

// Any thread.
class RefusalLog {
 public:
  explicit RefusalLog(RefusalLimits limits) : limits_(limits) {}

  // Whether one more refusal of the address gets a record of its own; it is counted if not.
  bool admit(const std::string& address, std::int64_t now);
  // What was counted since the last call.
  std::vector<UnrecordedRefusals> take();
  // What take() gave and could not be recorded.
  void put_back(const std::vector<UnrecordedRefusals>& refusals);

 private:
  void count(const UnrecordedRefusals& more);

  const RefusalLimits limits_;
  std::mutex mutex_;
  std::int64_t minute_ = 0;
  unsigned recorded_ = 0;                        // in this minute
  std::map<std::string, unsigned> recorded_of_;  // likewise; no more entries than may be recorded in total
  std::map<std::string, UnrecordedRefusals> unrecorded_;
};

}  // namespace attestd::broker
