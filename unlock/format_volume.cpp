#include "unlock/format_volume.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "unlock/new_header_internal.h"

namespace attestd::unlock {
namespace {

constexpr HeaderFormat authenticated{.volume_key_size = 64 + 32, .sector_size = 4096, .integrity = "hmac(sha256)"};
constexpr std::size_t wipe_step = std::size_t{1} << 20U;  // bytes

// An opened volume, closed with this.
class Opened {
 public:
  Opened(crypt_device* device, std::string name) : device_(device), name_(std::move(name)) {}
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() { static_cast<void>(close()); }
  [[nodiscard]] std::string path() const { return "/dev/mapper/" + name_; }
  // Errors: those of libcryptsetup; it is open then.
  Result<void> close() {
    if (device_ == nullptr) return {};
    const int code = crypt_deactivate(std::exchange(device_, nullptr), name_.c_str());
    if (code < 0) return cryptsetup_failure(code, "close " + name_);
    return {};
  }

 private:
  crypt_device* device_;
  std::string name_;
};

Result<void> run_mkfs(const std::string& program, const std::string& device) {
  std::array<std::string, 6> words{program, "-q", "-F", "-t", "ext4", device};
  std::array<char*, 7> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  char* const environment[] = {nullptr};
  pid_t child = 0;
  const int code = ::posix_spawn(&child, program.c_str(), nullptr, nullptr, arguments.data(), environment);
  if (code != 0) return fail_errno(code, "cannot run " + program);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return fail_errno(errno, "cannot wait for " + program);
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return fail(Errc::io, program + " made no file system");
  return {};
}

// Each sector gets its tag.
Result<void> write_all_of(crypt_device* device, const std::string& path, const Progress& progress) {
  const auto tell = [](std::uint64_t size, std::uint64_t offset, void* to) {
    (*static_cast<const Progress*>(to))("written", offset, size);
    return 0;
  };
  Progress copy = progress;
  if (const int code = crypt_wipe(device, path.c_str(), CRYPT_WIPE_ZERO, 0, 0, wipe_step, 0, tell, &copy); code < 0) {
    return cryptsetup_failure(code, "write " + path);
  }
  return {};
}

std::string opened_name(const Formatting& formatting) { return formatting.name + "-first-boot"; }

}  // namespace

Result<void> require_means(const Formatting& formatting) {
  if (::access(formatting.mkfs.c_str(), X_OK) != 0) return fail_errno(errno, "cannot run " + formatting.mkfs);
  // Without a device it asks device mapper alone, and makes its node where that is missing.
  const std::string name = opened_name(formatting);
  switch (crypt_status(nullptr, name.c_str())) {
    case CRYPT_INACTIVE: return {};
    case CRYPT_INVALID: return fail(Errc::unavailable, "device mapper, which formatting needs, does not answer");
    default: return fail(Errc::busy, "/dev/mapper/" + name + " is there already");
  }
}

Result<luks::DeviceHeader> format_volume(const Formatting& formatting, const SecretBytes& passphrase) {
  ATTESTD_TRY(const Scratch scratch, Scratch::make(formatting.header.scratch, formatting.header.device_size));
  crypt_device* raw = nullptr;
  if (const int code = crypt_init_data_device(&raw, scratch.path().c_str(), formatting.device.c_str()); code < 0) {
    return cryptsetup_failure(code, "open " + formatting.device);
  }
  const CryptDevice device(raw);
  ATTESTD_CHECK(write_new_header(device.get(), formatting.header, authenticated, passphrase));
  ATTESTD_TRY(luks::DeviceHeader out, read_new_header(formatting.header));
  const std::string name = opened_name(formatting);
  const int slot = crypt_activate_by_passphrase(device.get(), name.c_str(), CRYPT_ANY_SLOT, passphrase_text(passphrase),
                                                passphrase.size(), CRYPT_ACTIVATE_PRIVATE | CRYPT_ACTIVATE_NO_JOURNAL);
  if (slot < 0) return cryptsetup_failure(slot, "open the new volume");
  Opened opened(device.get(), name);
  ATTESTD_CHECK(write_all_of(device.get(), opened.path(), formatting.progress));
  ATTESTD_CHECK(run_mkfs(formatting.mkfs, opened.path()));
  ATTESTD_CHECK(opened.close());
  return out;
}

}  // namespace attestd::unlock
