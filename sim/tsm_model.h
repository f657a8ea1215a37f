// A configfs-tsm report tree as Linux keeps it, without a file system: what each
// operation does to an entry, and what it refuses.
// Source: Linux drivers/virt/coco/guest/report.c and fs/configfs/.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace attestd::sim {

inline constexpr std::size_t tsm_inblob_max = 64;  // bytes, TSM_REPORT_INBLOB_MAX
inline constexpr unsigned tsm_privlevel_max = 3;   // TSM_REPORT_PRIVLEVEL_MAX

// Failures in this folder's models of the kernel are errno values, positive.
template <class T>
using OrErrno = std::expected<T, int>;

struct TsmRequest {
  Bytes inblob;
  unsigned privlevel = 0;
  std::string service_provider;   // empty: the provider's own report
  FixedBytes<16> service_guid{};  // in UEFI's byte order; zeros: all services
  unsigned service_manifest_version = 0;
};
struct TsmBlobs {
  Bytes outblob;
  Bytes auxblob;         // may be empty
  Bytes manifestblob{};  // may be empty
};

// What a platform driver registers (struct tsm_report_ops). report_new() is
// never called twice at once.
class TsmProvider {
 public:
  virtual ~TsmProvider() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual unsigned privlevel_floor() const = 0;
  // report_attr_visible and report_bin_attr_visible: the attributes of services are
  // those of a provider that has some.
  [[nodiscard]] virtual bool shows(std::string_view attribute) const {
    return !attribute.starts_with("service_") && attribute != "manifestblob";
  }
  virtual OrErrno<TsmBlobs> report_new(const TsmRequest& request) = 0;
};

struct TsmAttribute {
  std::string_view name;
  unsigned mode;       // 0200 or 0444: nobody, root included, may open it the other way
  bool binary;         // written when the file is closed, and read as it was at the first read
  std::uint64_t size;  // as stat(2) shows it: 4096 for text, 0 for binary attributes
};

class TsmModel {
 public:
  // `generation_mask` narrows the counter, which is an unsigned long, so that
  // its wrapping can be tried.
  explicit TsmModel(TsmProvider& provider, std::uint64_t generation_mask = ~std::uint64_t{0})
      : provider_(provider), mask_(generation_mask) {}

  // Those that the provider shows.
  [[nodiscard]] std::vector<TsmAttribute> attributes() const;
  [[nodiscard]] const TsmAttribute* find_attribute(std::string_view name) const;

  // All return 0 or an errno.
  int make_entry(const std::string& name);    // EEXIST, EINVAL, ENAMETOOLONG
  int remove_entry(const std::string& name);  // ENOENT
  // ENOENT, EACCES (not writable), EFBIG (inblob over 64 bytes), EINVAL or
  // ERANGE (privlevel, service_guid, service_manifest_version), EBUSY (the generation would reach the last one read).
  int write(const std::string& entry, std::string_view attribute, ByteView bytes);
  // ENOENT, EACCES (not readable), EINVAL (no inblob yet), EWOULDBLOCK, and
  // whatever the provider fails with.
  OrErrno<Bytes> read(const std::string& entry, std::string_view attribute);
  [[nodiscard]] bool contains(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> entries() const;

  // Faults, for the next `count` reports each: another process writes an inblob
  // of its own between our write and our read; reading gives EWOULDBLOCK.
  void set_race(unsigned count);
  void set_would_block(unsigned count);

 private:
  struct Entry {
    TsmRequest request;
    std::uint64_t write_generation = 0;
    std::uint64_t read_generation = 0;
    bool generated = false;
    TsmBlobs blobs;
  };

  int advance(Entry& entry) const;
  int store_privlevel(Entry& entry, ByteView bytes) const;
  int store_text(Entry& entry, std::string_view attribute, ByteView bytes) const;
  OrErrno<Bytes> read_blob(const std::string& name, std::string_view attribute);

  TsmProvider& provider_;
  const std::uint64_t mask_;
  mutable std::shared_mutex mutex_;  // one for all entries, as the kernel's tsm_rwsem
  std::map<std::string, Entry> entries_;
  unsigned races_ = 0;
  unsigned would_block_ = 0;
};

}  // namespace attestd::sim
