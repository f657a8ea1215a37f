#include "unlock/encrypt_in_place.h"

#include <algorithm>

#include "base/openssl_internal.h"
#include "unlock/survey.h"

namespace attestd::unlock {
namespace {

constexpr std::size_t sector = 512;  // bytes
constexpr std::size_t xts_key_size = 64;
constexpr std::uint64_t flush_every = std::uint64_t{64} << 20U;  // bytes; keeps the cache small
constexpr std::uint64_t header_pair_limit = std::uint64_t{32} << 10U;

using CipherContext = openssl::Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

// dm-crypt numbers sectors in the tweak, 64 bits, little-endian: "plain64".
class SectorCipher {
 public:
  static Result<SectorCipher> make(const SecretBytes& key, bool encrypts) {
    if (key.size() != xts_key_size) return fail(Errc::usage, "AES-256 in XTS takes a key of 64 bytes");
    SectorCipher out;
    out.context_.reset(EVP_CIPHER_CTX_new());
    if (!out.context_ || EVP_CipherInit_ex(out.context_.get(), EVP_aes_256_xts(), nullptr, openssl::data(key.view()),
                                           nullptr, encrypts ? 1 : 0) != 1) {
      return openssl::failure("cannot prepare AES-XTS");
    }
    return out;
  }

  // In place; `first` is the number of the first sector.
  Result<void> run(std::span<std::byte> bytes, std::uint64_t first) {
    for (; !bytes.empty(); bytes = bytes.subspan(sector), ++first) {
      FixedBytes<16> tweak{};
      for (std::size_t i = 0; i < sizeof first; ++i) tweak[i] = static_cast<std::byte>(first >> (8 * i));
      int written = 0;
      unsigned char* const data = openssl::writable(bytes);
      if (EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, openssl::data(tweak), -1) != 1 ||
          EVP_CipherUpdate(context_.get(), data, &written, data, sector) != 1 || written != int{sector}) {
        return openssl::failure("cannot run AES-XTS");
      }
    }
    return {};
  }

 private:
  SectorCipher() = default;
  CipherContext context_;
};

Result<void> check(const Disk& disk, const Encryption& encryption) {
  const bool fits = encryption.offset <= disk.size() && encryption.size <= disk.size() - encryption.offset;
  if (!fits || encryption.size < marker_size || encryption.size % sector != 0 || encryption.offset == 0 ||
      encryption.offset % encryption_step != 0) {
    return fail(Errc::usage, "there is no room on " + disk.path() + " to encrypt it in place");
  }
  return {};
}

}  // namespace

Result<void> encrypt_in_place(Disk& disk, const SecretBytes& volume_key, const Encryption& encryption) {
  ATTESTD_CHECK(check(disk, encryption));
  ATTESTD_TRY(SectorCipher cipher, SectorCipher::make(volume_key, true));
  // The start is kept here while the marker is there.
  Bytes start(marker_size);
  ATTESTD_CHECK(disk.read(0, start));
  ATTESTD_CHECK(disk.write(0, interruption_marker(encryption.uuid)));
  ATTESTD_CHECK(disk.flush());
  Bytes buffer(encryption_step);
  std::uint64_t unflushed = 0;
  // A step is at most as long as the way that it moves, so it overwrites what was read before.
  for (std::uint64_t left = encryption.size; left > 0;) {
    const std::uint64_t at = (left - 1) / encryption_step * encryption_step;
    const auto part = std::span(buffer).first(left - at);
    ATTESTD_CHECK(disk.read(at, part));
    if (at == 0) std::ranges::copy(start, part.begin());
    ATTESTD_CHECK(cipher.run(part, at / sector));
    ATTESTD_CHECK(disk.write(encryption.offset + at, part));
    unflushed += part.size();
    left = at;
    if (unflushed >= flush_every) {
      ATTESTD_CHECK(disk.flush());
      disk.forget_cache();
      unflushed = 0;
    }
    encryption.progress("encrypted", encryption.size - left, encryption.size);
  }
  return disk.flush();
}

Result<FixedBytes<32>> digest_of_data(const Disk& disk, const SecretBytes& volume_key, const Encryption& encryption) {
  ATTESTD_CHECK(check(disk, encryption));
  ATTESTD_TRY(SectorCipher cipher, SectorCipher::make(volume_key, false));
  const openssl::DigestContext context(EVP_MD_CTX_new());
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) return openssl::failure("no SHA-256");
  disk.forget_cache();
  Bytes buffer(encryption_step);
  for (std::uint64_t at = 0; at < encryption.size;) {
    const auto part = std::span(buffer).first(std::min(encryption_step, encryption.size - at));
    ATTESTD_CHECK(disk.read(encryption.offset + at, part));
    ATTESTD_CHECK(cipher.run(part, at / sector));
    if (EVP_DigestUpdate(context.get(), part.data(), part.size()) != 1) return openssl::failure("cannot digest");
    at += part.size();
    encryption.progress("compared", at, encryption.size);
  }
  FixedBytes<32> out{};
  unsigned size = 0;
  if (EVP_DigestFinal_ex(context.get(), openssl::writable(out), &size) != 1 || size != out.size()) {
    return openssl::failure("cannot digest");
  }
  return out;
}

Result<void> write_header(Disk& disk, ByteView metadata, std::uint64_t offset) {
  if (metadata.size() > offset || metadata.size() < header_pair_limit) {
    return fail(Errc::internal, "the header does not fit before the data");
  }
  Bytes area = to_bytes(metadata);
  area.resize(offset);
  // The headers themselves last: until then the marker is there.
  const ByteView all(area);
  ATTESTD_CHECK(disk.write(header_pair_limit, all.subspan(header_pair_limit)));
  ATTESTD_CHECK(disk.write(marker_size, all.subspan(marker_size, header_pair_limit - marker_size)));
  ATTESTD_CHECK(disk.flush());
  ATTESTD_CHECK(disk.write(0, all.first(marker_size)));
  return disk.flush();
}

}  // namespace attestd::unlock
