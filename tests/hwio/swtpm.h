// A real swtpm of the test's own.
#pragma once

#include <sys/types.h>

#include <string>

#include "tests/temporary_folder.h"

namespace attestd::test {

class Swtpm {
 public:
  Swtpm() { start(); }
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;
  ~Swtpm() { stop(); }

  // `tcti()` for the whole life, whatever runs behind it.
  [[nodiscard]] std::string tcti() const { return "swtpm:path=" + folder_.file("socket"); }
  void start();
  void stop();          // without warning, as a crash does
  void forget_state();  // while stopped: the next start is another TPM
  // Runs a tpm2-tools command against it; false when it fails. No other client may be connected.
  [[nodiscard]] bool tool(const std::string& command) const;
  [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

 private:
  TemporaryFolder folder_;
  pid_t pid_ = -1;
};

}  // namespace attestd::test
