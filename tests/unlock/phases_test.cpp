#include "unlock/phases.h"

#include <thread>

#include "tests/catch.h"

namespace attestd::unlock::test {
namespace {

using namespace std::chrono_literals;

TEST_CASE("what took how long is told by phase, and what did not happen is not") {
  Phases phases;
  phases.add(Phase::header, 2ms);
  phases.add(Phase::requests, 30ms);
  phases.add(Phase::requests, 12400us);
  CHECK(phases.text().starts_with("header 2 ms, 2 requests 42 ms, all "));
}

TEST_CASE("an attester and a fetch that are measured give what they gave") {
  Phases phases;
  Attester attester;
  attester.tee = kbs::Tee::tdx;
  attester.bundle = [](const Bytes& nonce, const UnlockClaim&) -> Result<std::string> {
    std::this_thread::sleep_for(20ms);
    return std::string(as_text(nonce));
  };
  const Attester measured = phases.measured(attester);
  CHECK(measured.tee == kbs::Tee::tdx);
  CHECK(measured.bundle(to_bytes("nonce"), {}).value() == "nonce");
  const Fetch fetch = phases.measured(Fetch([](const FetchRequest&) { return fail(Errc::timed_out, "late"); }));
  CHECK(fetch({}).error().code == Errc::timed_out);
  const std::string text = phases.text();
  CHECK_FALSE(text.starts_with("evidence 0 ms"));
  CHECK(text.find("1 requests 0 ms") != std::string::npos);
}

}  // namespace
}  // namespace attestd::unlock::test
