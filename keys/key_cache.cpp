#include "keys/key_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>

#include "base/environment.h"

namespace attestd {
namespace {

constexpr unsigned file_mode = 0644;  // nothing here is secret

// replace_file() writes NAME.XXXXXX first; only a crash leaves such a file.
bool is_leftover(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  const std::string before = path.stem().extension().string();
  constexpr std::size_t size = std::string_view(".XXXXXX").size();
  return extension.size() == size &&
         (before == ".pem" || before == ".der" || before == ".crl" || before == ".json" || before == ".retry");
}

// In the folders that are the cache's own: the user may keep other things beside them.
void remove_leftovers(const std::string& folder) {
  std::error_code error;
  std::filesystem::recursive_directory_iterator entries(folder, error);
  for (; !error && entries != std::filesystem::recursive_directory_iterator(); entries.increment(error)) {
    std::error_code ignored;
    if (is_leftover(entries->path()) && entries->is_regular_file(ignored)) {
      std::filesystem::remove(entries->path(), ignored);
    }
  }
}

Result<void> make_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return fail_errno(error.value(), "cannot make the folder " + path.string());
  return {};
}

}  // namespace

std::string default_cache_folder() {
  if (const std::string xdg = folder_variable("XDG_CACHE_HOME"); !xdg.empty()) return xdg + "/attestd";
  if (::geteuid() == 0) return "/var/cache/attestd";
  if (const std::string home = folder_variable("HOME"); !home.empty()) return home + "/.cache/attestd";
  return {};
}

Result<KeyCache> KeyCache::open_for_writing(const std::string& folder) {
  if (folder.empty()) return fail(Errc::usage, "there is no place for a cache: name a folder with --cache");
  ATTESTD_CHECK(make_folder(folder));
  const std::string lock_path = folder + "/lock";
  UniqueFd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!lock) return fail_errno(errno, "cannot open " + lock_path);
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return fail_errno(errno, "cannot lock " + lock_path);
  }
  for (const char* const vendor : {"/amd", "/intel"}) remove_leftovers(folder + vendor);
  return KeyCache(folder, std::move(lock));
}

std::optional<Bytes> KeyCache::read(const std::string& name) const {
  auto bytes = read_file(folder_ + "/" + name, default_file_limit);
  if (!bytes) return std::nullopt;
  return *std::move(bytes);
}

Result<void> KeyCache::write(const std::string& name, ByteView bytes) const {
  const std::filesystem::path path = std::filesystem::path(folder_) / name;
  ATTESTD_CHECK(make_folder(path.parent_path()));
  return replace_file(path.string(), bytes, file_mode);
}

std::int64_t KeyCache::not_before(const std::string& vendor) const {
  const auto bytes = read(vendor + ".retry");
  if (!bytes) return 0;
  const std::string_view text = as_text(*bytes);
  std::int64_t time = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), time).ec != std::errc()) return 0;
  return time;
}

Result<void> KeyCache::set_not_before(const std::string& vendor, std::int64_t time) const {
  return write(vendor + ".retry", as_bytes(std::to_string(time) + "\n"));
}

}  // namespace attestd
