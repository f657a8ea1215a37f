// A PSP whose reports are complete but signed by nobody, for tests of what is
// around the signature.
#pragma once

#include <string>

#include "sim/psp.h"
#include "tests/temporary_folder.h"

namespace attestd::test {

inline sim::PspConfig psp_config() {
  sim::PspConfig config;
  config.report.version = 3;
  config.report.signature_algorithm = 1;
  config.report.measurement.fill(std::byte{0x4d});
  config.certificates = to_bytes("certificates of the host");
  config.retry_delay = std::chrono::milliseconds(1);
  // Long enough for a slow machine to make a few tries, short enough to be waited for.
  config.retry_limit = std::chrono::milliseconds(500);
  return config;
}

inline Result<Bytes> unsigned_report(const SnpReport& report) {
  Writer out;
  out.le32(report.version).zeros(0x4c).raw(report.report_data);
  return out.zeros(snp_report_size - out.bytes().size()).take();
}

inline FixedBytes<64> report_data(unsigned char fill) {
  FixedBytes<64> out{};
  out.fill(std::byte{fill});
  return out;
}

}  // namespace attestd::test
