#include "sim/tsm_fuse.h"

#include "base/file.h"

#define FUSE_USE_VERSION 312
#include <fcntl.h>
#include <fuse.h>
#include <fuse_lowlevel.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace attestd::sim {
namespace {

// fs/configfs/file.c: a bin attribute is read into a buffer at the first read of
// an open file, and written when the file is closed; a text attribute is stored
// by every write(2).
struct OpenFile {
  std::string entry;
  const TsmAttribute* attribute = nullptr;
  std::mutex mutex;
  std::optional<Bytes> contents;
  Bytes written;
  bool dirty = false;
};

struct Path {
  std::string entry;      // empty for the root
  std::string attribute;  // empty for an entry
  bool deeper = false;
};

Path split(const char* path) {
  std::string_view text(path);
  if (text.starts_with('/')) text.remove_prefix(1);
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {std::string(text), {}, false};
  const std::string_view attribute = text.substr(slash + 1);
  return {std::string(text.substr(0, slash)), std::string(attribute), attribute.find('/') != std::string_view::npos};
}

TsmModel& model() { return *static_cast<TsmModel*>(fuse_get_context()->private_data); }
// NOLINTNEXTLINE(performance-no-int-to-ptr): libfuse keeps our handle as a number
OpenFile& open_file(const fuse_file_info* info) { return *reinterpret_cast<OpenFile*>(info->fh); }

void* on_init(fuse_conn_info* /*connection*/, fuse_config* config) {
  // Every look must reach the model: entries come, go and change by themselves.
  config->attr_timeout = 0;
  config->entry_timeout = 0;
  config->negative_timeout = 0;
  config->direct_io = 1;
  config->nullpath_ok = 0;
  return fuse_get_context()->private_data;
}

int on_getattr(const char* path, struct stat* out, fuse_file_info* /*info*/) {
  const Path where = split(path);
  std::memset(out, 0, sizeof *out);
  if (where.entry.empty() || (where.attribute.empty() && model().contains(where.entry))) {
    out->st_mode = S_IFDIR | 0755;
    out->st_nlink = 2;
    return 0;
  }
  const TsmAttribute* attribute = model().find_attribute(where.attribute);
  if (where.deeper || attribute == nullptr || !model().contains(where.entry)) return -ENOENT;
  out->st_mode = S_IFREG | static_cast<mode_t>(attribute->mode);
  out->st_nlink = 1;
  out->st_size = static_cast<off_t>(attribute->size);
  return 0;
}

int on_readdir(const char* path, void* buffer, fuse_fill_dir_t fill, off_t /*offset*/, fuse_file_info* /*info*/,
               fuse_readdir_flags /*flags*/) {
  const Path where = split(path);
  const auto add = [&](std::string_view name) {
    fill(buffer, std::string(name).c_str(), nullptr, 0, static_cast<fuse_fill_dir_flags>(0));
  };
  add(".");
  add("..");
  if (where.entry.empty()) {
    for (const std::string& entry : model().entries()) add(entry);
    return 0;
  }
  if (!model().contains(where.entry)) return -ENOENT;
  for (const TsmAttribute& attribute : model().attributes()) add(attribute.name);
  return 0;
}

int on_mkdir(const char* path, mode_t /*mode*/) {
  const Path where = split(path);
  if (!where.attribute.empty()) return -EPERM;  // an item holds no groups
  return -model().make_entry(where.entry);
}

int on_rmdir(const char* path) {
  const Path where = split(path);
  if (!where.attribute.empty()) return -ENOTDIR;
  return -model().remove_entry(where.entry);
}

int on_unlink(const char* /*path*/) { return -EPERM; }
int on_create(const char* /*path*/, mode_t /*mode*/, fuse_file_info* /*info*/) { return -EACCES; }
int on_rename(const char* /*from*/, const char* /*to*/, unsigned /*flags*/) { return -EPERM; }
int on_truncate(const char* /*path*/, off_t /*size*/, fuse_file_info* /*info*/) { return 0; }

int on_open(const char* path, fuse_file_info* info) {
  const Path where = split(path);
  const TsmAttribute* attribute = model().find_attribute(where.attribute);
  if (where.deeper || attribute == nullptr || !model().contains(where.entry)) return -ENOENT;
  const int access = info->flags & O_ACCMODE;
  if (access != O_WRONLY && (attribute->mode & 0444U) == 0) return -EACCES;
  if (access != O_RDONLY && (attribute->mode & 0222U) == 0) return -EACCES;
  auto file = std::make_unique<OpenFile>();
  file->entry = where.entry;
  file->attribute = attribute;
  info->direct_io = 1;
  info->fh = reinterpret_cast<std::uint64_t>(file.release());
  return 0;
}

int on_read(const char* /*path*/, char* out, std::size_t size, off_t offset, fuse_file_info* info) {
  OpenFile& file = open_file(info);
  const std::lock_guard lock(file.mutex);
  if (!file.contents) {
    auto contents = model().read(file.entry, file.attribute->name);
    if (!contents) return -contents.error();
    file.contents = *std::move(contents);
  }
  const auto start = static_cast<std::size_t>(offset);
  if (start >= file.contents->size()) return 0;
  const std::size_t count = std::min(size, file.contents->size() - start);
  std::memcpy(out, file.contents->data() + start, count);
  return static_cast<int>(count);
}

int on_write(const char* /*path*/, const char* data, std::size_t size, off_t offset, fuse_file_info* info) {
  OpenFile& file = open_file(info);
  const ByteView bytes = as_bytes({data, size});
  const std::lock_guard lock(file.mutex);
  if (!file.attribute->binary) {
    const int refused = model().write(file.entry, file.attribute->name, bytes);
    return refused != 0 ? -refused : static_cast<int>(size);
  }
  const auto start = static_cast<std::size_t>(offset);
  if (start > tsm_inblob_max || size > tsm_inblob_max - start) return -EFBIG;
  if (file.written.size() < start + size) file.written.resize(start + size);
  std::copy(bytes.begin(), bytes.end(), file.written.begin() + static_cast<std::ptrdiff_t>(start));
  file.dirty = true;
  return static_cast<int>(size);
}

// The kernel drops a refusal here, since release has nobody to tell.
void store(OpenFile& file) {
  const std::lock_guard lock(file.mutex);
  if (!file.dirty) return;
  file.dirty = false;
  (void)model().write(file.entry, file.attribute->name, file.written);
  file.written.clear();
}

// close(2) waits for flush but not for release, so the store happens here: the
// next system call of the same process must find it done.
int on_flush(const char* /*path*/, fuse_file_info* info) {
  store(open_file(info));
  return 0;
}

int on_release(const char* /*path*/, fuse_file_info* info) {
  const std::unique_ptr<OpenFile> file(&open_file(info));
  store(*file);
  return 0;
}

fuse_operations operations() {
  fuse_operations out = {};
  out.init = on_init;
  out.getattr = on_getattr;
  out.readdir = on_readdir;
  out.mkdir = on_mkdir;
  out.rmdir = on_rmdir;
  out.unlink = on_unlink;
  out.create = on_create;
  out.rename = on_rename;
  out.truncate = on_truncate;
  out.open = on_open;
  out.read = on_read;
  out.write = on_write;
  out.flush = on_flush;
  out.release = on_release;
  return out;
}

Result<void> check_mount_point(const std::string& directory) {
  struct stat own = {};
  struct stat parent = {};
  if (::stat(directory.c_str(), &own) != 0) {
    // A mount whose server died answers nothing but this.
    if (errno == ENOTCONN) {
      return fail(Errc::refused, directory + " holds the mount of a simulator that died: unmount it (umount -l)");
    }
    return fail_errno(errno, "cannot look at " + directory);
  }
  if (!S_ISDIR(own.st_mode)) return fail(Errc::refused, directory + " is not a directory");
  if (::stat((directory + "/..").c_str(), &parent) != 0) return fail_errno(errno, "cannot look above " + directory);
  if (own.st_dev != parent.st_dev) return fail(Errc::refused, "something is mounted at " + directory + " already");
  std::error_code error;
  const bool empty = std::filesystem::is_empty(directory, error);
  if (error) return fail_errno(error.value(), "cannot list " + directory);
  if (!empty) return fail(Errc::refused, directory + " is not empty");
  if (::access("/dev/fuse", R_OK | W_OK) != 0) {
    return fail_errno(errno, "cannot use /dev/fuse, which the configfs-tsm tree needs");
  }
  return {};
}

struct FreeBuffer {
  // libfuse allocates it with malloc(3).
  void operator()(void* memory) const { std::free(memory); }  // NOLINT(cppcoreguidelines-owning-memory)
};

// Serves the session from a few threads. libfuse's own loop can only be ended by
// a request that comes after it was told to, which nobody may be there to make;
// these wait for the session and for the end together.
class Mounted final : public TsmMount {
 public:
  Mounted(fuse* handle, UniqueFd end, std::string directory)
      : handle_(handle), end_(std::move(end)), directory_(std::move(directory)) {
    for (std::thread& worker : workers_) worker = std::thread([this] { serve(); });
  }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;

  ~Mounted() override {
    (void)::eventfd_write(end_.get(), 1);
    for (std::thread& worker : workers_) worker.join();
    fuse_unmount(handle_);
    fuse_destroy(handle_);
  }

  [[nodiscard]] const std::string& directory() const override { return directory_; }

 private:
  void serve() {
    fuse_session* session = fuse_get_session(handle_);
    fuse_buf buffer = {};
    std::array<pollfd, 2> wait = {{{fuse_session_fd(session), POLLIN, 0}, {end_.get(), POLLIN, 0}}};
    while (fuse_session_exited(session) == 0) {
      if (::poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) break;
      if (wait[1].revents != 0) break;
      // Another thread may have taken the request: the descriptor does not block.
      const int received = fuse_session_receive_buf(session, &buffer);
      if (received == -EINTR || received == -EAGAIN) continue;
      if (received <= 0) break;
      fuse_session_process_buf(session, &buffer);
    }
    const std::unique_ptr<void, FreeBuffer> owner(buffer.mem);
  }

  fuse* handle_;
  UniqueFd end_;
  std::string directory_;
  std::array<std::thread, 8> workers_;
};

}  // namespace

Result<std::unique_ptr<TsmMount>> TsmMount::mount(TsmModel& model, std::string directory) {
  ATTESTD_CHECK(check_mount_point(directory));
  std::vector<std::string> words = {"attestd-sim", "-o", "fsname=attestd-sim,subtype=configfs-tsm"};
  if (::geteuid() == 0) words.back() += ",allow_other,default_permissions";
  std::vector<char*> pointers;
  pointers.reserve(words.size());
  for (std::string& word : words) pointers.push_back(word.data());
  fuse_args arguments = {static_cast<int>(pointers.size()), pointers.data(), 0};

  const fuse_operations table = operations();
  fuse* handle = fuse_new(&arguments, &table, sizeof table, &model);
  fuse_opt_free_args(&arguments);
  if (handle == nullptr) return fail(Errc::unavailable, "libfuse refuses its options");
  if (fuse_mount(handle, directory.c_str()) != 0) {
    fuse_destroy(handle);
    return fail(Errc::unavailable, "cannot mount a FUSE file system at " + directory);
  }
  UniqueFd end(::eventfd(0, EFD_CLOEXEC));
  const int session = fuse_session_fd(fuse_get_session(handle));
  if (!end || ::fcntl(session, F_SETFL, ::fcntl(session, F_GETFL) | O_NONBLOCK) != 0) {
    const int saved = errno;
    fuse_unmount(handle);
    fuse_destroy(handle);
    return fail_errno(saved, "cannot prepare to serve " + directory);
  }
  return std::make_unique<Mounted>(handle, std::move(end), std::move(directory));
}

}  // namespace attestd::sim
