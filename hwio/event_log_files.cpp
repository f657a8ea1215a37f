#include "hwio/event_log_files.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>

#include "base/file.h"
#include "hwio/backoff.h"

namespace attestd::hwio {
namespace {

// systemd holds its lock for one TPM command; a peer that keeps it must not
// stop us for ever.
Result<void> lock_shared(int fd, const std::string& path) {
  Backoff backoff(std::chrono::milliseconds(5), std::chrono::milliseconds(200));
  for (unsigned attempt = 0; attempt < 15; ++attempt) {
    if (::flock(fd, LOCK_SH | LOCK_NB) == 0) return {};
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno(errno, "cannot lock " + path);
    backoff.wait();
  }
  return fail(Errc::busy, path + " stays locked by another process");
}

}  // namespace

Result<Bytes> read_firmware_event_log(const std::string& path) { return read_file(path, event_log_limit); }

Result<Bytes> read_userspace_event_log(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return fail_errno(errno, "cannot open " + path);
  ATTESTD_CHECK(lock_shared(fd.get(), path));
  return read_fd(fd.get(), path, event_log_limit);  // closing it releases the lock
}

}  // namespace attestd::hwio
