#include "luks/device_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace attestd::luks {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{10};
constexpr std::chrono::milliseconds pause{20};
constexpr mode_t folder_mode = 0700;
constexpr mode_t lock_mode = 0600;

bool lock_now(int fd) { return ::flock(fd, LOCK_EX | LOCK_NB) == 0; }

// Who had the lock before may have removed its file just now.
bool is_at(int fd, const std::string& path) {
  struct stat open{};
  struct stat there{};
  return ::fstat(fd, &open) == 0 && ::stat(path.c_str(), &there) == 0 && open.st_ino == there.st_ino &&
         open.st_dev == there.st_dev;
}

// The lock, or none for now. Without a path it is that of the file `device` itself.
Result<UniqueFd> try_once(int device_fd, const std::string& device, const std::string& path) {
  const std::string& name = path.empty() ? device : path;
  UniqueFd lock(path.empty() ? ::open(("/proc/self/fd/" + std::to_string(device_fd)).c_str(), O_RDWR | O_CLOEXEC)
                             : ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, lock_mode));
  if (!lock) return fail_errno(errno, "cannot open " + name + " to lock it");
  if (!lock_now(lock.get())) {
    if (errno == EWOULDBLOCK || errno == EINTR) return UniqueFd();
    return fail_errno(errno, "cannot lock " + name);
  }
  if (!path.empty() && !is_at(lock.get(), path)) return UniqueFd();
  return lock;
}

}  // namespace

Result<DeviceLock> DeviceLock::take(int fd, const std::string& device, const std::string& folder) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return fail_errno(errno, "cannot look at " + device);
  std::string path;
  if (S_ISBLK(status.st_mode)) {
    if (::mkdir(folder.c_str(), folder_mode) != 0 && errno != EEXIST) {
      return fail_errno(errno, "cannot make the folder of locks " + folder);
    }
    path = folder + "/L_" + std::to_string(major(status.st_rdev)) + ":" + std::to_string(minor(status.st_rdev));
  }
  const auto deadline = Clock::now() + patience;
  for (;;) {
    ATTESTD_TRY(UniqueFd lock, try_once(fd, device, path));
    if (lock) return DeviceLock(std::move(lock), std::move(path));
    if (Clock::now() >= deadline) {
      return fail(Errc::busy, "another program works on the LUKS2 header of " + device + ": try again");
    }
    std::this_thread::sleep_for(pause);
  }
}

DeviceLock::~DeviceLock() {
  // As libcryptsetup does: while it is ours, and still the file that others would open.
  if (lock_ && !path_.empty() && is_at(lock_.get(), path_)) ::unlink(path_.c_str());
}

}  // namespace attestd::luks
