// A software TPM in a process of its own: swtpm(8).
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace attestd::sim {

class SoftwareTpm {
 public:
  // Makes the TPM in `folder` when there is none (banks SHA-256 and SHA-384, as
  // firmware of today leaves them) unless `manufacture` is false, starts swtpm there and waits until it
  // answers. `folder` must be absolute and short enough for a socket's address.
  // swtpm serves one connection at a time. Errors: not_found (swtpm is not
  // installed), unavailable, timed_out.
  static Result<std::unique_ptr<SoftwareTpm>> start(const std::string& folder, bool manufacture = true);
  virtual ~SoftwareTpm() = default;  // stops it
  [[nodiscard]] virtual bool running() = 0;
  // For Tss2_TctiLdr_Initialize: "swtpm:path=FOLDER/sock".
  [[nodiscard]] virtual const std::string& tcti() const = 0;
};

// Where it listens. The TCTI finds the control socket by the path of the other
// (tss2-tcti-swtpm(7)).
std::string software_tpm_socket(const std::string& folder);
std::string software_tpm_control(const std::string& folder);
// What SoftwareTpm::start(folder) would give as tcti().
std::string software_tpm_tcti(const std::string& folder);

}  // namespace attestd::sim
