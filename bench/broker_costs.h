// What one attestation and one release cost in cryptography, whoever asks for them.
#pragma once

#include <string>
#include <vector>

#include "tests/broker/simulated_guest.h"

namespace attestd::bench {

struct Cost {
  std::string name;
  double cpu_us = 0;  // median of CPU time
};

struct BrokerCosts {
  std::vector<Cost> parts;
  double attestation_us = 0;  // one judgement of evidence and one token signed
  double release_us = 0;      // one token verified and one secret encrypted
  double handshake_us = 0;    // the server's part of a TLS 1.3 handshake
};

// On this thread, for about two seconds. `certificate` and `key`: PEM files of the TLS server.
BrokerCosts measure_costs(const test::SimulatedVm& vm, const std::string& certificate, const std::string& key);

}  // namespace attestd::bench
