#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <memory>
#include <string>
#include <utility>

#include "base/file.h"
#include "hwio/configfs_tsm.h"
#include "hwio/configfs_tsm_internal.h"
#include "hwio/directory_stream_internal.h"

namespace attestd::hwio {
namespace {

// The process that made an entry of ours, or 0.
pid_t entry_owner(std::string_view name) {
  if (!name.starts_with(tsm_entry_prefix)) return 0;
  name.remove_prefix(tsm_entry_prefix.size());
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc{} || pid <= 0 || end == name.data() + name.size() || *end != '-') return 0;
  return pid;
}

class TsmDirectory final : public TsmFiles {
 public:
  explicit TsmDirectory(std::string root) : root_(std::move(root)) {
    while (root_.size() > 1 && root_.ends_with('/')) root_.pop_back();
  }

  Result<void> make_entry(const std::string& entry) override {
    if (!std::exchange(cleaned_, true)) remove_stale_entries();
    const std::string path = root_ + "/" + entry;
    if (::mkdir(path.c_str(), 0700) != 0) return fail_errno(errno, "cannot create " + path);
    return {};
  }

  Result<void> write(const std::string& entry, std::string_view attribute, ByteView bytes) override {
    const std::string path = path_of(entry, attribute);
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) return fail_errno(errno, "cannot open " + path);
    ATTESTD_CHECK(write_all(fd.get(), path, bytes));
    // Binary attributes of configfs take effect when the file is closed.
    if (::close(fd.release()) != 0) return fail_errno(errno, "cannot write " + path);
    return {};
  }

  Result<Bytes> read(const std::string& entry, std::string_view attribute) override {
    const std::string path = path_of(entry, attribute);
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail_errno(errno, "cannot open " + path);
    return read_fd(fd.get(), path, tsm_attribute_limit(attribute));
  }

  Result<void> remove_entry(const std::string& entry) override {
    const std::string path = root_ + "/" + entry;
    if (::rmdir(path.c_str()) != 0) return fail_errno(errno, "cannot remove " + path);
    return {};
  }

  [[nodiscard]] std::string where() const override { return root_; }

 private:
  [[nodiscard]] std::string path_of(const std::string& entry, std::string_view attribute) const {
    return root_ + "/" + entry + "/" + std::string(attribute);
  }

  // A crash of ours leaves its entry behind, which holds kernel memory. Entries
  // of a process that still lives are its own business.
  void remove_stale_entries() {
    const DirectoryStream directory(::opendir(root_.c_str()));
    if (!directory) return;
    std::vector<std::string> stale;
    // readdir on a stream that no other thread has is safe.
    while (const dirent* item = ::readdir(directory.get())) {  // NOLINT(concurrency-mt-unsafe)
      const pid_t owner = entry_owner(item->d_name);
      if (owner == 0) continue;
      if (owner != ::getpid() && (::kill(owner, 0) == 0 || errno == EPERM)) continue;
      stale.emplace_back(item->d_name);
    }
    for (const std::string& name : stale) ::rmdir((root_ + "/" + name).c_str());
  }

  std::string root_;
  bool cleaned_ = false;
};

}  // namespace

std::unique_ptr<TsmFiles> open_tsm_directory(std::string root) {
  return std::make_unique<TsmDirectory>(std::move(root));
}

}  // namespace attestd::hwio
