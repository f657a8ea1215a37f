#include "broker/seal.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/encoding.h"
#include "base/openssl_internal.h"
#include "base/random.h"
#include "base/regular_file.h"

namespace attestd::broker {
namespace {

using Kdf = openssl::Handle<EVP_KDF, EVP_KDF_free>;
using KdfContext = openssl::Handle<EVP_KDF_CTX, EVP_KDF_CTX_free>;
using CipherContext = openssl::Handle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

constexpr std::uint8_t blob_version = 1;

// The key that one context has, wiped when it goes.
struct DerivedKey {
  FixedBytes<32> bytes{};
  DerivedKey() = default;
  DerivedKey(const DerivedKey&) = delete;
  DerivedKey& operator=(const DerivedKey&) = delete;
  ~DerivedKey() { wipe(bytes); }
};

Result<void> derive(ByteView master, std::string_view info, std::span<std::byte> out) {
  const Kdf kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const KdfContext context(EVP_KDF_CTX_new(kdf.get()));
  if (context == nullptr) return openssl::failure("OpenSSL has no HKDF");
  // The parameters are not const in OpenSSL's interface, and only read.
  const auto octets = [](const char* name, ByteView bytes) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<std::byte*>(bytes.data()), bytes.size());
  };
  std::string hash = "SHA256";
  const std::array parameters = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash.data(), hash.size()),
                                 octets(OSSL_KDF_PARAM_KEY, master), octets(OSSL_KDF_PARAM_INFO, as_bytes(info)),
                                 OSSL_PARAM_construct_end()};
  if (EVP_KDF_derive(context.get(), openssl::writable(out), out.size(), parameters.data()) != 1) {
    return openssl::failure("cannot derive a key");
  }
  return {};
}

Result<std::string> text_of(const SealContext& context) {
  if (context.what.find('\n') != std::string::npos || context.name.find('\n') != std::string::npos) {
    return fail(Errc::usage, "what a sealed secret is for has a line feed in its name");
  }
  return context.what + "\n" + context.name + "\n" + std::to_string(context.version);
}

Bytes associated_data(const MasterKeyId& key_id, std::string_view context) {
  return Writer().u8(blob_version).raw(key_id).raw(as_bytes(context)).take();
}

constexpr std::string_view key_info = "attestd-seal-1\n";

// NIST SP 800-38D: 96-bit nonce, 128-bit tag.
CipherContext cipher(const DerivedKey& key, ByteView nonce, bool encrypts) {
  CipherContext context(EVP_CIPHER_CTX_new());
  if (context == nullptr || EVP_CipherInit_ex2(context.get(), EVP_aes_256_gcm(), openssl::data(key.bytes),
                                               openssl::data(nonce), encrypts ? 1 : 0, nullptr) != 1) {
    return nullptr;
  }
  return context;
}

bool update(EVP_CIPHER_CTX* context, unsigned char* out, ByteView in) {
  int written = 0;
  return in.empty() || (EVP_CipherUpdate(context, out, &written, openssl::data(in), static_cast<int>(in.size())) == 1 &&
                        static_cast<std::size_t>(written) == in.size());
}

// The value of a digit, or none.
std::optional<unsigned> nibble(std::byte digit) {
  const char c = static_cast<char>(digit);
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

// from_hex() would leave the key in memory that nobody wipes.
Result<SecretBytes> from_digits(ByteView digits) {
  ATTESTD_TRY(SecretBytes out, SecretBytes::make(digits.size() / 2));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto high = nibble(digits[2 * i]);
    const auto low = nibble(digits[2 * i + 1]);
    if (!high || !low) return fail(Errc::malformed, "has a character that is no hexadecimal digit");
    out.writable()[i] = static_cast<std::byte>(*high << 4U | *low);
  }
  return out;
}

Result<SecretBytes> key_of(SecretBytes contents) {
  constexpr std::size_t digits = 2 * master_key_size;
  if (contents.size() == master_key_size) return contents;
  if (contents.size() == digits || (contents.size() == digits + 1 && contents.view().back() == std::byte{'\n'})) {
    return from_digits(contents.view().first(digits));
  }
  return fail(Errc::malformed, "has neither 32 bytes nor 64 hexadecimal digits");
}

}  // namespace

Result<SealedBlob> parse_sealed_blob(ByteView blob) {
  constexpr std::size_t tag_size = 16;
  Reader reader(blob);
  SealedBlob out;
  ATTESTD_TRY(const std::uint8_t version, reader.u8("the version of a sealed secret"));
  if (version != blob_version) {
    return fail_at(Errc::unsupported, 0, "a sealed secret has version " + std::to_string(version));
  }
  ATTESTD_TRY(out.key_id, reader.fixed<8>("the key id of a sealed secret"));
  ATTESTD_TRY(out.nonce, reader.fixed<12>("the nonce of a sealed secret"));
  if (reader.remaining() < tag_size) {
    return fail_at(Errc::truncated, reader.offset(), "a sealed secret ends before its tag does");
  }
  ATTESTD_TRY(out.ciphertext, reader.take(reader.remaining() - tag_size, "the ciphertext of a sealed secret"));
  ATTESTD_TRY(out.tag, reader.fixed<tag_size>("the tag of a sealed secret"));
  return out;
}

Result<Sealer> Sealer::from(SecretBytes master) {
  if (master.size() != master_key_size) return fail(Errc::out_of_range, "a master key has 32 bytes");
  MasterKeyId key_id{};
  ATTESTD_CHECK(derive(master.view(), "key id", key_id));
  return Sealer(std::move(master), key_id);
}

Result<Sealer> Sealer::from_file(const std::string& path) {
  auto opened = open_regular_file(path);
  if (!opened) return std::unexpected(std::move(opened).error().in("the master key"));
  const UniqueFd fd = *std::move(opened);
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return fail_errno(errno, "cannot look at the master key " + path);
  // systemd gives a unit's user its credentials by an access control list, whose mask shows
  // as the group's bits: root:root 0440 (systemd.exec(5), "Credentials").
  const bool group_reads = (status.st_mode & S_IRGRP) != 0 && status.st_gid != 0;
  if ((status.st_mode & (S_IRWXO | S_IWGRP)) != 0 || group_reads) {
    return fail(Errc::permission, "others may read or write the master key " + path);
  }
  // The longest that may be, and one more to see that there is not.
  ATTESTD_TRY(SecretBytes contents, SecretBytes::make(2 * master_key_size + 2));
  std::size_t have = 0;
  while (have < contents.size()) {
    const ssize_t count = ::read(fd.get(), contents.writable().data() + have, contents.size() - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(errno, "cannot read the master key " + path);
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  contents.shrink(have);
  auto key = key_of(std::move(contents));
  if (!key) return std::unexpected(std::move(key).error().in("the master key " + path));
  return from(*std::move(key));
}

Result<Bytes> Sealer::seal(const SealContext& context, ByteView secret) const {
  if (secret.size() > sealed_secret_limit) return fail(Errc::out_of_range, "a secret has at most 1 MiB");
  ATTESTD_TRY(const std::string text, text_of(context));
  DerivedKey key;
  ATTESTD_CHECK(derive(master_.view(), std::string(key_info) + text, key.bytes));
  ATTESTD_TRY(const Bytes nonce, random_bytes(sizeof(SealedBlob::nonce)));
  const CipherContext encryption = cipher(key, nonce, true);
  Bytes ciphertext(secret.size());
  FixedBytes<sizeof(SealedBlob::tag)> tag{};
  int more = 0;
  if (encryption == nullptr || !update(encryption.get(), nullptr, associated_data(key_id_, text)) ||
      !update(encryption.get(), openssl::writable(ciphertext), secret) ||
      EVP_CipherFinal_ex(encryption.get(), openssl::writable(tag), &more) != 1 || more != 0 ||
      EVP_CIPHER_CTX_ctrl(encryption.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()), tag.data()) != 1) {
    return openssl::failure("cannot seal a secret");
  }
  return Writer().u8(blob_version).raw(key_id_).raw(nonce).raw(ciphertext).raw(tag).take();
}

Result<SecretBytes> Sealer::open(const SealContext& context, ByteView blob) const {
  ATTESTD_TRY(SealedBlob parts, parse_sealed_blob(blob));
  if (parts.key_id != key_id_) {
    return fail(Errc::mismatch,
                "a secret is sealed under the master key " + to_hex(parts.key_id) + ", and ours is " + to_hex(key_id_));
  }
  if (parts.ciphertext.size() > sealed_secret_limit) return fail(Errc::out_of_range, "a secret has at most 1 MiB");
  ATTESTD_TRY(const std::string text, text_of(context));
  DerivedKey key;
  ATTESTD_CHECK(derive(master_.view(), std::string(key_info) + text, key.bytes));
  const CipherContext decryption = cipher(key, parts.nonce, false);
  ATTESTD_TRY(SecretBytes out, SecretBytes::make(parts.ciphertext.size()));
  FixedBytes<sizeof(SealedBlob::tag)> rest{};
  int more = 0;
  if (decryption == nullptr ||
      EVP_CIPHER_CTX_ctrl(decryption.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(parts.tag.size()),
                          parts.tag.data()) != 1 ||
      !update(decryption.get(), nullptr, associated_data(key_id_, text)) ||
      !update(decryption.get(), openssl::writable(out.writable()), parts.ciphertext)) {
    return openssl::failure("cannot open a sealed secret");
  }
  if (EVP_CipherFinal_ex(decryption.get(), openssl::writable(rest), &more) != 1) {
    ERR_clear_error();
    return fail(Errc::mismatch, "a sealed secret was changed, or belongs to something else");
  }
  return out;
}

}  // namespace attestd::broker
