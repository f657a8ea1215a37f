#include "unlock/phases.h"

#include <string_view>

namespace attestd::unlock {
namespace {

constexpr std::array<std::string_view, phase_count> names{"header", "devices", "evidence", "requests", "hand-over"};

std::string in_milliseconds(Phases::Clock::duration time) {
  return std::to_string(std::chrono::round<std::chrono::milliseconds>(time).count()) + " ms";
}

}  // namespace

void Phases::add(Phase phase, Clock::duration spent) {
  Spent& all = spent_.at(static_cast<std::size_t>(phase));
  all.time += spent;
  ++all.times;
}

Attester Phases::measured(Attester attester) {
  Attester out;
  out.tee = attester.tee;
  out.bundle = [this, make = std::move(attester.bundle)](const Bytes& nonce, const UnlockClaim& claim) {
    return measure(Phase::evidence, [&] { return make(nonce, claim); });
  };
  out.raw_report = [this, make = std::move(attester.raw_report)](const FixedBytes<64>& report_data) {
    return measure(Phase::evidence, [&] { return make(report_data); });
  };
  return out;
}

Fetch Phases::measured(Fetch fetch) {
  return [this, fetch = std::move(fetch)](const FetchRequest& request) {
    return measure(Phase::requests, [&] { return fetch(request); });
  };
}

std::string Phases::text() const {
  std::string out;
  for (std::size_t i = 0; i < phase_count; ++i) {
    const Spent& one = spent_.at(i);
    if (one.times == 0) continue;
    if (static_cast<Phase>(i) == Phase::requests) out += std::to_string(one.times) + " ";
    out.append(names.at(i)).append(" ").append(in_milliseconds(one.time)).append(", ");
  }
  return out + "all " + in_milliseconds(Clock::now() - begin_);
}

}  // namespace attestd::unlock
