#include "agent/problem.h"

namespace attestd::agent {

Problem hardware_problem(const Error& error, const std::string& where) {
  const std::string text = where + ": " + error.text();
  switch (error.code) {
    case Errc::busy:
    case Errc::throttled:
    case Errc::changed: return {problems::hardware_busy, text + "; ask again in a moment", {}};
    case Errc::key_wiped: return {problems::hardware_key_wiped, text + "; the VM has to be rebooted", {}};
    case Errc::timed_out: return {problems::hardware_timed_out, text + "; ask again later", {}};
    case Errc::not_found:
    case Errc::permission:
    case Errc::unavailable:
      return {
          problems::no_hardware, text + "; check that this is a confidential VM and its guest driver is loaded", {}};
    default: return {problems::hardware_failed, text + "; see the journal of attestd", {}};
  }
}

Problem tpm_problem(const Error& error, const std::string& where) {
  return {problems::tpm_unavailable,
          where + ": " + error.text() + "; bring the TPM back, or set tpm.tcti = \"off\" to attest without it",
          {}};
}

Problem platform_problem(const Error& error) {
  return {problems::platform_failed, error.text() + "; ask again later", {}};
}

}  // namespace attestd::agent
