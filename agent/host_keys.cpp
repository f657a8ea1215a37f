#include "agent/host_keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>

#include "agent/sshd_config.h"
#include "base/regular_file.h"
#include "evidence/openssh_private_key.h"

namespace attestd::agent {
namespace {

constexpr std::size_t public_key_limit = std::size_t{16} * 1024;  // bytes

// The file's text, wiped afterwards: it never grows, so it leaves no copies.
class WipedText {
 public:
  WipedText() : bytes_(std::make_unique<Storage>()) {}
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;
  WipedText(WipedText&&) = default;
  WipedText& operator=(WipedText&&) = delete;
  ~WipedText() {
    if (bytes_) ::explicit_bzero(bytes_->data(), bytes_->size());
  }
  [[nodiscard]] std::string_view view() const { return {bytes_->data(), size_}; }

  static Result<WipedText> read(const std::string& path) {
    // Not blocking: a FIFO in the place of a key must not hold us up.
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd) return fail_errno(errno, "cannot open host key " + path);
    struct stat status{};
    if (::fstat(fd.get(), &status) != 0) return fail_errno(errno, "cannot stat host key " + path);
    if (!S_ISREG(status.st_mode)) return fail(Errc::malformed, "host key " + path + " is not a file");
    WipedText text;
    while (text.size_ < text.bytes_->size()) {
      const ssize_t count = ::read(fd.get(), text.bytes_->data() + text.size_, text.bytes_->size() - text.size_);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return fail_errno(errno, "cannot read host key " + path);
      if (count == 0) return text;
      text.size_ += static_cast<std::size_t>(count);
    }
    return fail(Errc::out_of_range, "host key " + path + " is too large for a key");
  }

 private:
  using Storage = std::array<char, openssh_private_key_max_size>;
  std::unique_ptr<Storage> bytes_;
  std::size_t size_ = 0;
};

Result<SshPublicKey> read_public_key(const std::string& path) {
  ATTESTD_TRY(const Bytes bytes, read_regular_file(path, public_key_limit));
  std::string_view text = as_text(bytes);
  text = text.substr(0, text.find_first_of("\r\n"));
  auto key = parse_ssh_public_key(text);
  if (!key) return std::unexpected(std::move(key).error().in(path));
  return key;
}

}  // namespace

Result<SshPublicKey> read_host_key(const std::string& path) {
  const std::string beside = path + ".pub";
  const auto text = WipedText::read(path);
  if (!text) {
    if (text.error().code != Errc::not_found) return std::unexpected(text.error());
    auto key = read_public_key(beside);  // the private half may live in an ssh agent
    if (!key && key.error().code == Errc::not_found) return std::unexpected(text.error());
    return key;
  }
  auto key = openssh_public_part(text->view());
  if (!key && key.error().code == Errc::unsupported) {
    // sshd_config(5), HostKey: the file may be a public key whose private half is in an agent.
    const std::string_view line = text->view().substr(0, text->view().find_first_of("\r\n"));
    if (auto direct = parse_ssh_public_key(line)) return direct;
    auto fallback = read_public_key(beside);
    if (fallback) return fallback;
    return fail(Errc::malformed,
                "host key " + path + " is no OpenSSH private key, and there is no usable " + beside + " beside it");
  }
  if (!key) return std::unexpected(std::move(key).error().in("host key " + path));
  const auto stated = read_public_key(beside);
  if (stated && !(*stated == *key)) {
    return fail(Errc::mismatch, "host key " + path + " does not belong to " + beside +
                                    ": write it anew with ssh-keygen -y, once you know who changed it");
  }
  return key;
}

HostKeys::HostKeys(Config::Ssh config, std::chrono::milliseconds timeout)
    : config_(std::move(config)), timeout_(timeout) {}

const HostKeySet& HostKeys::current() {
  if (!known_ || fingerprint() != fingerprint_) read_all();
  return set_;
}

void HostKeys::read_all() {
  set_ = {};
  watched_.clear();
  std::vector<std::string> paths = config_.host_keys;
  if (paths.empty() && !config_.sshd.empty()) {
    watched_ = sshd_config_files(config_.config);
    watched_.push_back(config_.sshd);
    if (const auto output = run_sshd_test(config_.sshd, config_.config, timeout_)) {
      paths = parse_sshd_host_keys(*output);
      if (paths.empty()) set_.problems.push_back(config_.sshd + " -T names no host key");
    } else {
      set_.problems.push_back(output.error().text());
    }
  }
  for (const std::string& path : paths) {
    watched_.push_back(path);
    watched_.push_back(path + ".pub");
  }
  // Taken before the files are read: a change in between is then seen next time.
  fingerprint_ = fingerprint();
  for (const std::string& path : paths) {
    if (auto key = read_host_key(path)) {
      set_.keys.push_back({path, *std::move(key)});
    } else {
      set_.problems.push_back(key.error().text());
    }
  }
  // sshd that could not be run may be mended by what no file shows (/run/sshd).
  known_ = !paths.empty() || config_.sshd.empty();
}

std::string HostKeys::fingerprint() const {
  std::string out;
  for (const std::string& path : watched_) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
      out += "-;";
      continue;
    }
    for (const auto number :
         {static_cast<long long>(status.st_dev), static_cast<long long>(status.st_ino),
          static_cast<long long>(status.st_size), static_cast<long long>(status.st_mtim.tv_sec),
          static_cast<long long>(status.st_mtim.tv_nsec), static_cast<long long>(status.st_ctim.tv_sec),
          static_cast<long long>(status.st_ctim.tv_nsec)}) {
      out += std::to_string(number) + ",";
    }
    out += ";";
  }
  return out;
}

}  // namespace attestd::agent
