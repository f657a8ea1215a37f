// A machine of fake devices for a RunningAgent, and what its evidence must be.
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>

#include "evidence/bundle.h"
#include "tests/agent/fake_devices.h"
#include "tests/agent/running_agent.h"
#include "tests/catch.h"

namespace attestd::test {

inline constexpr std::string_view good_request = R"({"nonce":"AAAAAAAAAAAAAAAAAAAAAA","purpose":"host"})";

struct Machine {
  std::shared_ptr<FakeHardware> hardware = std::make_shared<FakeHardware>();
  std::shared_ptr<FakeTpmState> tpm = std::make_shared<FakeTpmState>();
  agent::Config config = quiet_config();

  [[nodiscard]] agent::Devices devices(bool with_tpm = false) const {
    agent::Devices out;
    out.report = std::make_unique<FakeReportDevice>(hardware);
    if (with_tpm) out.tpm = std::make_unique<FakeTpm>(tpm);
    return out;
  }
};

inline Bundle bundle_of(const Answer& answer) {
  INFO(answer.head << answer.body.substr(0, 300));
  REQUIRE(answer.status == 200);
  CHECK(answer.header("content-type") == bundle_media_type);
  auto bundle = parse_bundle(answer.body);
  if (!bundle) FAIL(bundle.error().text());
  return *std::move(bundle);
}

inline bool report_binds(const Bundle& bundle) {
  const auto root = bundle_root(bundle);
  return root && bundle.snp_report.size() == 1184 &&
         std::equal(root->begin(), root->end(), bundle.snp_report.begin() + 0x50);
}

}  // namespace attestd::test
