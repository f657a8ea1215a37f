#include "unlock/signature_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "base/file.h"
#include "unlock/settings.h"
#include "vtpm/signed_policy.h"

namespace attestd::unlock {
namespace {

constexpr std::chrono::milliseconds look_again{100};

// As much as is needed of something that may be far larger.
Result<Bytes> read_start(int fd, const std::string& path, std::size_t size) {
  Bytes out(size);
  std::size_t at = 0;
  while (at < size) {
    const ssize_t count = ::pread(fd, out.data() + at, size - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, "cannot read " + path);
    if (count == 0) break;
    at += static_cast<std::size_t>(count);
  }
  out.resize(at);
  return out;
}

Result<std::string> text_of_device(int fd, const std::string& path) {
  ATTESTD_TRY(const Bytes bytes, read_start(fd, path, vtpm::signatures_limit));
  return padded_text(bytes, path);
}

Result<std::string> read_once(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) return fail_errno(errno, "cannot open " + path);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno(errno, "cannot look at " + path);
  if (S_ISBLK(status.st_mode)) return text_of_device(fd.get(), path);
  ATTESTD_TRY(const Bytes bytes, read_fd(fd.get(), path, vtpm::signatures_limit));
  return std::string(as_text(bytes));
}

}  // namespace

Result<std::string> padded_text(ByteView bytes, const std::string& path) {
  const std::string_view all = as_text(bytes);
  const std::string_view text = all.substr(0, all.find('\0'));
  if (text.empty()) return fail(Errc::malformed, path + " has no signed PCR policies at its start");
  if (!all_zero(bytes.subspan(text.size()))) {
    return fail(Errc::malformed, path + " has something behind its signed PCR policies");
  }
  return std::string(text);
}

Result<std::string> read_signatures(const std::string& path, std::chrono::milliseconds patience,
                                    const std::string& stub) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  auto out = read_once(path);
  while (!out && out.error().code == Errc::not_found && path.starts_with("/dev/") &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(look_again);
    out = read_once(path);
  }
  if (out || out.error().code != Errc::not_found || path != Settings().signatures) return out;
  auto unpacked = read_once(stub);
  return unpacked || unpacked.error().code != Errc::not_found ? std::move(unpacked) : std::move(out);
}

}  // namespace attestd::unlock
