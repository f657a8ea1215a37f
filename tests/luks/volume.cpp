#include "tests/luks/volume.h"

#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <stdexcept>

#include "base/file.h"
#include "evidence/digest.h"

namespace attestd::test {
namespace {

constexpr std::size_t json_offset = 4096;
constexpr std::size_t checksum_offset = 448;
constexpr std::size_t checksum_size = 64;
constexpr std::size_t stripes = 4000;
constexpr std::size_t sector = 512;

std::span<std::byte> header_of(Bytes& volume, bool secondary) {
  return std::span(volume).subspan(secondary ? header_size : 0, header_size);
}

}  // namespace

MemoryFolder::MemoryFolder() {
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("these tests need a tmpfs at /dev/shm");
}
MemoryFolder::~MemoryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Ran shell(const std::string& command, const std::string& input) {
  const TemporaryFolder folder;
  const std::string in = folder.write("in", input);
  const std::string out = folder.file("out");
  const int status = std::system(("{ " + command + "; } <" + in + " >" + out + " 2>&1").c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128, std::string(as_text(read_bytes(out)))};
}

bool opens(const std::string& device, const std::string& passphrase, const std::string& options) {
  return shell("cryptsetup open --test-passphrase --key-file=- " + options + " " + device, passphrase).status == 0;
}

Bytes format_volume(const std::string& options) {
  const TemporaryFolder folder;
  const std::string device = folder.file("volume");
  const std::string cheap =
      options.find("--pbkdf") == std::string::npos ? "--pbkdf pbkdf2 --pbkdf-force-iterations 1000 " : "";
  // By default it depends on the file system below.
  const std::string sectors =
      options.find("--sector-size") == std::string::npos && options.find("luks1") == std::string::npos
          ? "--sector-size 4096 "
          : "";
  const std::string sizes = options.find("luks1") == std::string::npos
                                ? "--type luks2 --luks2-metadata-size 16k --luks2-keyslots-size 1015808 --offset 2048 "
                                : "";
  const Ran ran = shell("truncate -s " + std::to_string(volume_size) + " " + device +
                            " && cryptsetup luksFormat --batch-mode --use-urandom --key-file=- " + cheap + sizes +
                            sectors + options + " " + device,
                        std::string(volume_passphrase));
  if (ran.status != 0) throw std::runtime_error("these tests need cryptsetup: " + ran.output);
  return read_bytes(device);
}

const Bytes& volume() {
  static const Bytes made = [] {
    const TemporaryFolder folder;
    const std::string device = write_bytes(folder.file("volume"), format_volume("--label a-label"));
    const std::string key = folder.write("key", volume_passphrase);
    const std::string second = folder.write("second", "another passphrase");
    const Ran ran =
        shell("cryptsetup luksAddKey --batch-mode --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file " + key +
              " " + device + " " + second);
    if (ran.status != 0) throw std::runtime_error("no second keyslot: " + ran.output);
    return read_bytes(device);
  }();
  return made;
}

std::string write_bytes(const std::string& path, ByteView bytes) {
  std::ofstream(path, std::ios::binary) << as_text(bytes);
  return path;
}

Bytes read_bytes(const std::string& path) { return read_file(path, volume_size + (std::size_t{1} << 20U)).value(); }

std::string json_of(ByteView volume) {
  const std::string_view area = as_text(volume.subspan(json_offset, header_size - json_offset));
  return std::string(area.substr(0, area.find('\0')));
}

void seal(std::span<std::byte> header) {
  const auto checksum = header.subspan(checksum_offset, checksum_size);
  std::ranges::fill(checksum, std::byte{0});
  std::ranges::copy(digest(HashAlgorithm::sha256, {header}), checksum.begin());
}

Bytes with_headers(ByteView volume, const std::function<void(std::span<std::byte>, bool)>& change) {
  Bytes out = to_bytes(volume);
  for (const bool secondary : {false, true}) {
    change(header_of(out, secondary), secondary);
    seal(header_of(out, secondary));
  }
  return out;
}

Bytes with_json(ByteView volume, const std::string& json) {
  return with_headers(volume, [&](std::span<std::byte> header, bool) {
    const auto area = header.subspan(json_offset);
    if (json.size() > area.size()) throw std::runtime_error("the JSON is too long");
    std::ranges::fill(area, std::byte{0});
    std::ranges::copy(as_bytes(json), area.begin());
  });
}

Bytes forged(ByteView volume, std::string_view from, std::string_view to) {
  std::string json = json_of(volume);
  const std::size_t at = json.find(from);
  if (at == std::string::npos) throw std::runtime_error("the header has no " + std::string(from));
  return with_json(volume, json.replace(at, from.size(), to));
}

Bytes unencrypted_area(ByteView key) {
  // With zeros for all other stripes the last is the key and what diffusing them gives:
  // SHA-256 of each 32 bytes and their number, 3999 times over.
  Bytes diffused(key.size());
  for (std::size_t stripe = 0; stripe + 1 < stripes; ++stripe) {
    Bytes next;
    for (std::uint32_t block = 0; block * 32 < key.size(); ++block) {
      const Bytes number = Writer().be32(block).take();
      std::ranges::copy(digest(HashAlgorithm::sha256, {number, ByteView(diffused).subspan(block * 32, 32)}),
                        std::back_inserter(next));
    }
    diffused = next;
  }
  Bytes out((stripes - 1) * key.size());
  for (std::size_t i = 0; i < key.size(); ++i) out.push_back(key[i] ^ diffused[i]);
  out.resize((out.size() + sector - 1) / sector * sector);
  return out;
}

}  // namespace attestd::test
