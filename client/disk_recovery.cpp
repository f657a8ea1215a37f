#include "client/disk_recovery.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "client/commands.h"

namespace attestd {
namespace {

// systemd 252, src/shared/recovery-key.c.
constexpr std::string_view modhex = "cbdefghijklnrtuv";
constexpr std::size_t group = 8;  // characters
constexpr mode_t file_mode = 0600;

}  // namespace

Result<SecretBytes> make_recovery_key() {
  ATTESTD_TRY(const SecretBytes random, SecretBytes::random(recovery_key_size));
  constexpr std::size_t digits = 2 * recovery_key_size;
  ATTESTD_TRY(SecretBytes out, SecretBytes::make(digits + digits / group - 1));
  const auto text = out.writable();
  std::size_t at = 0;
  for (std::size_t digit = 0; digit < digits; ++digit) {
    if (digit != 0 && digit % group == 0) text[at++] = std::byte{'-'};
    const auto byte = std::to_integer<unsigned>(random.view()[digit / 2]);
    text[at++] = static_cast<std::byte>(modhex[digit % 2 == 0 ? byte >> 4U : byte & 0xfU]);
  }
  return out;
}

std::string recovery_token_json(unsigned keyslot) {
  return R"({"type":"systemd-recovery","keyslots":[")" + std::to_string(keyslot) + R"("]})";
}

Result<void> require_place(const std::string& file) {
  if (file.empty() && !stdout_is_terminal()) {
    return fail(Errc::usage,
                "a recovery key is shown once, and standard output is no terminal: --recovery-key-file FILE");
  }
  if (!file.empty() && ::access(file.c_str(), F_OK) == 0) {
    return fail(Errc::usage, file + " is there already: a recovery key goes to a new file");
  }
  return {};
}

Result<RecoveryPlace> RecoveryPlace::open(std::string file) {
  ATTESTD_CHECK(require_place(file));
  RecoveryPlace out;
  if (file.empty()) return out;
  out.fd_ = UniqueFd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file_mode));
  if (!out.fd_) return fail_errno(errno, "cannot write the recovery key to " + file);
  out.file_ = std::move(file);
  return out;
}

RecoveryPlace::~RecoveryPlace() {
  if (fd_ && !kept_) ::unlink(file_.c_str());
}

Result<void> RecoveryPlace::write(const SecretBytes& key) {
  if (!fd_) return {};
  ATTESTD_CHECK(write_all(fd_.get(), file_, key.view()));
  if (::fsync(fd_.get()) != 0) return fail_errno(errno, "cannot flush " + file_);
  const std::size_t slash = file_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : file_.substr(0, slash + 1);
  const UniqueFd above(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!above || ::fsync(above.get()) != 0) return fail_errno(errno, "cannot flush the folder " + folder);
  return {};
}

Result<void> RecoveryPlace::keep(const SecretBytes& key) {
  kept_ = true;
  if (fd_) return {};
  ATTESTD_CHECK(write_all(STDOUT_FILENO, "standard output", key.view()));
  return write_all(STDOUT_FILENO, "standard output", as_bytes("\n"));
}

}  // namespace attestd
