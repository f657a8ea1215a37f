#include "hwio/ioctl_device.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "base/file.h"

namespace attestd::hwio {
namespace {

class CharacterDevice final : public IoctlDevice {
 public:
  CharacterDevice(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  int ioctl(unsigned long request, void* argument) override {
    return ::ioctl(fd_.get(), request, argument) == 0 ? 0 : errno;
  }

  [[nodiscard]] std::string where() const override { return path_; }

 private:
  UniqueFd fd_;
  std::string path_;
};

}  // namespace

Result<std::unique_ptr<IoctlDevice>> open_ioctl_device(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!fd) return fail_errno(errno, "cannot open " + path);
  // Any other kind of file answers ENOTTY, which for sev-guest would read as a wiped key.
  struct stat status = {};
  if (::fstat(fd.get(), &status) != 0) return fail_errno(errno, "cannot examine " + path);
  if (!S_ISCHR(status.st_mode)) return fail(Errc::not_found, path + " is not a character device");
  return std::make_unique<CharacterDevice>(std::move(fd), path);
}

}  // namespace attestd::hwio
