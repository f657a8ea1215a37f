#include "sim/tsm_model.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <mutex>

#include "evidence/guid.h"

namespace attestd::sim {
namespace {

constexpr std::size_t longest_name = 255;    // NAME_MAX
constexpr std::uint64_t page_size = 4096;    // what configfs gives text attributes
constexpr std::size_t guid_text_size = 36;   // UUID_STRING_LEN
constexpr std::size_t text_size_max = 4095;  // SIMPLE_ATTR_SIZE less its terminator

// kstrtouint(text, 0, …): base by prefix, an optional plus, one newline at most.
OrErrno<unsigned> kernel_unsigned(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text.front() == '0') {
    base = 8;
  }
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error == std::errc::result_out_of_range) return std::unexpected(ERANGE);
  if (error != std::errc{} || end != text.data() + text.size()) return std::unexpected(EINVAL);
  return value;
}

std::string lower(std::string_view text) {
  std::string out(text.substr(0, guid_text_size));
  for (char& c : out) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// All that Linux knows, whichever provider shows them.
const std::vector<TsmAttribute>& tsm_attributes() {
  static const std::vector<TsmAttribute> attributes = {
      {"generation", 0444, false, page_size},
      {"provider", 0444, false, page_size},
      {"privlevel", 0200, false, page_size},
      {"privlevel_floor", 0444, false, page_size},
      {"service_provider", 0200, false, page_size},
      {"service_guid", 0200, false, page_size},
      {"service_manifest_version", 0200, false, page_size},
      {"inblob", 0200, true, 0},
      {"outblob", 0444, true, 0},
      {"auxblob", 0444, true, 0},
      {"manifestblob", 0444, true, 0},
  };
  return attributes;
}

}  // namespace

std::vector<TsmAttribute> TsmModel::attributes() const {
  std::vector<TsmAttribute> shown;
  std::ranges::copy_if(tsm_attributes(), std::back_inserter(shown),
                       [&](const TsmAttribute& attribute) { return provider_.shows(attribute.name); });
  return shown;
}

const TsmAttribute* TsmModel::find_attribute(std::string_view name) const {
  const auto& all = tsm_attributes();
  const auto found = std::ranges::find(all, name, &TsmAttribute::name);
  return found == all.end() || !provider_.shows(name) ? nullptr : &*found;
}

int TsmModel::make_entry(const std::string& name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) return EINVAL;
  if (name.size() > longest_name) return ENAMETOOLONG;
  const std::unique_lock lock(mutex_);
  return entries_.try_emplace(name).second ? 0 : EEXIST;
}

int TsmModel::remove_entry(const std::string& name) {
  const std::unique_lock lock(mutex_);
  return entries_.erase(name) == 1 ? 0 : ENOENT;
}

bool TsmModel::contains(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  return entries_.contains(name);
}

std::vector<std::string> TsmModel::entries() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

void TsmModel::set_race(unsigned count) {
  const std::unique_lock lock(mutex_);
  races_ = count;
}

void TsmModel::set_would_block(unsigned count) {
  const std::unique_lock lock(mutex_);
  would_block_ = count;
}

// A writer that never reads could bring the counter around to the generation
// of the report that is there, which would then pass for a fresh one.
int TsmModel::advance(Entry& entry) const {
  if (entry.write_generation == ((entry.read_generation - 1) & mask_)) return EBUSY;
  entry.write_generation = (entry.write_generation + 1) & mask_;
  return 0;
}

int TsmModel::store_privlevel(Entry& entry, ByteView bytes) const {
  const auto value = kernel_unsigned(as_text(bytes));
  if (!value) return value.error();
  if (*value < provider_.privlevel_floor() || *value > tsm_privlevel_max) return EINVAL;
  if (const int refused = advance(entry); refused != 0) return refused;
  entry.request.privlevel = *value;
  return 0;
}

int TsmModel::store_text(Entry& entry, std::string_view attribute, ByteView bytes) const {
  if (attribute == "privlevel") return store_privlevel(entry, bytes);
  std::string_view text = as_text(bytes);
  unsigned version = 0;
  if (attribute == "service_manifest_version") {
    const auto value = kernel_unsigned(text);
    if (!value) return value.error();
    version = *value;
  }
  if (const int refused = advance(entry); refused != 0) return refused;
  if (attribute == "service_manifest_version") {
    entry.request.service_manifest_version = version;
  } else if (attribute == "service_provider") {
    if (text.ends_with('\n')) text.remove_suffix(1);
    entry.request.service_provider = text;
  } else {
    // guid_parse() reads 36 characters and looks at nothing behind them.
    entry.request.service_guid = guid_to_uefi(text.substr(0, guid_text_size));
    if (text.size() < guid_text_size || guid_from_uefi(entry.request.service_guid) != lower(text)) return EINVAL;
  }
  return 0;
}

int TsmModel::write(const std::string& name, std::string_view attribute, ByteView bytes) {
  const TsmAttribute* known = find_attribute(attribute);
  const std::unique_lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end() || known == nullptr) return ENOENT;
  if ((known->mode & 0222U) == 0) return EACCES;
  if (!known->binary) return store_text(found->second, attribute, bytes.first(std::min(bytes.size(), text_size_max)));
  if (bytes.size() > tsm_inblob_max) return EFBIG;
  if (bytes.empty()) return 0;  // closing an inblob that nothing was written to is not a write
  if (const int refused = advance(found->second); refused != 0) return refused;
  found->second.request.inblob = to_bytes(bytes);
  return 0;
}

OrErrno<Bytes> TsmModel::read_blob(const std::string& name, std::string_view attribute) {
  const auto pick = [&](const Entry& entry) {
    if (attribute == "manifestblob") return entry.blobs.manifestblob;
    return attribute == "auxblob" ? entry.blobs.auxblob : entry.blobs.outblob;
  };
  {
    const std::shared_lock lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) return std::unexpected(ENOENT);
    const Entry& entry = found->second;
    if (entry.request.inblob.empty()) return std::unexpected(EINVAL);
    if (entry.generated && entry.read_generation == entry.write_generation) return pick(entry);
  }
  const std::unique_lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return std::unexpected(ENOENT);
  Entry& entry = found->second;
  if (entry.generated && entry.read_generation == entry.write_generation) return pick(entry);
  if (would_block_ > 0) {
    --would_block_;
    return std::unexpected(EWOULDBLOCK);
  }
  if (races_ > 0) {
    --races_;
    if (const int refused = advance(entry); refused != 0) return std::unexpected(refused);
    for (std::byte& byte : entry.request.inblob) byte = ~byte;
  }
  entry.generated = false;
  entry.blobs = {};
  auto blobs = provider_.report_new(entry.request);
  if (!blobs) return std::unexpected(blobs.error());
  entry.blobs = *std::move(blobs);
  entry.generated = true;
  entry.read_generation = entry.write_generation;
  return pick(entry);
}

OrErrno<Bytes> TsmModel::read(const std::string& name, std::string_view attribute) {
  const TsmAttribute* known = find_attribute(attribute);
  if (known != nullptr && known->binary && (known->mode & 0444U) != 0) return read_blob(name, attribute);
  const std::shared_lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end() || known == nullptr) return std::unexpected(ENOENT);
  if ((known->mode & 0444U) == 0) return std::unexpected(EACCES);
  if (attribute == "generation") return to_bytes(std::to_string(found->second.write_generation) + "\n");
  if (attribute == "provider") return to_bytes(provider_.name() + "\n");
  return to_bytes(std::to_string(provider_.privlevel_floor()) + "\n");
}

}  // namespace attestd::sim
