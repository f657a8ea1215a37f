#include "unlock/new_header.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "luks/token.h"
#include "unlock/new_header_internal.h"
#include "unlock/volume.h"

namespace attestd::unlock {
namespace {

constexpr std::uint32_t cheap_iterations = 1000;  // the fewest that LUKS2 has; a random key needs none
constexpr std::uint64_t sector = 512;             // bytes; what libcryptsetup counts offsets in

}  // namespace

Result<Scratch> Scratch::make(const std::string& path, std::uint64_t size) {
  Scratch out;
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return fail_errno(errno, "cannot make " + path);
  out.path_ = path;
  if (::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return fail_errno(errno, "cannot size " + path);
  return out;
}

Scratch::~Scratch() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

Result<void> write_new_header(crypt_device* device, const NewHeaderRequest& request, const HeaderFormat& format,
                              const SecretBytes& passphrase) {
  crypt_pbkdf_type cheap{};
  cheap.type = CRYPT_KDF_PBKDF2;
  cheap.hash = "sha256";
  cheap.iterations = cheap_iterations;
  cheap.flags = CRYPT_PBKDF_NO_BENCHMARK;
  crypt_params_luks2 parameters{};
  parameters.pbkdf = &cheap;
  parameters.sector_size = format.sector_size;
  parameters.integrity = format.integrity;
  if (const int code = crypt_set_data_offset(device, new_data_offset / sector); code < 0) {
    return cryptsetup_failure(code, "choose where the data starts");
  }
  if (const int code = crypt_format(device, CRYPT_LUKS2, "aes", "xts-plain64", request.uuid.c_str(), nullptr,
                                    format.volume_key_size, &parameters);
      code < 0) {
    return cryptsetup_failure(code, "make a LUKS2 header");
  }
  const int slot = crypt_keyslot_add_by_volume_key(device, 0, nullptr, format.volume_key_size,
                                                   passphrase_text(passphrase), passphrase.size());
  if (slot < 0) return cryptsetup_failure(slot, "make a keyslot");
  luks::UnlockToken token;
  token.method = luks::UnlockMethod::broker;
  token.resource = request.resource;
  token.keyslots = {static_cast<unsigned>(slot)};
  ATTESTD_TRY(const std::string json, luks::encode_unlock_token(token));
  if (const int code = crypt_token_json_set(device, CRYPT_ANY_TOKEN, json.c_str()); code < 0) {
    return cryptsetup_failure(code, "write the token of a new header");
  }
  return {};
}

Result<luks::DeviceHeader> read_new_header(const NewHeaderRequest& request) {
  ATTESTD_TRY(luks::DeviceHeader out, judge_header({.name = {}, .device = request.scratch, .uuid = request.uuid}, {}));
  if (out.header.segments.front().offset != new_data_offset) {
    return fail(Errc::internal, "libcryptsetup put the data elsewhere than it was asked to");
  }
  return out;
}

Result<NewHeader> make_header(const NewHeaderRequest& request, const SecretBytes& passphrase) {
  ATTESTD_TRY(const Scratch scratch, Scratch::make(request.scratch, request.device_size));
  crypt_device* raw = nullptr;
  if (const int code = crypt_init(&raw, scratch.path().c_str()); code < 0) {
    return cryptsetup_failure(code, "make a header");
  }
  const CryptDevice device(raw);
  const HeaderFormat format;
  ATTESTD_CHECK(write_new_header(device.get(), request, format, passphrase));
  NewHeader out;
  ATTESTD_TRY(out.volume_key, SecretBytes::make(format.volume_key_size));
  std::size_t size = out.volume_key.size();
  const int opened =
      crypt_volume_key_get(device.get(), CRYPT_ANY_SLOT, reinterpret_cast<char*>(out.volume_key.writable().data()),
                           &size, passphrase_text(passphrase), passphrase.size());
  if (opened < 0 || size != format.volume_key_size) {
    return cryptsetup_failure(opened < 0 ? opened : -EIO, "open the new header");
  }
  ATTESTD_TRY(out.header, read_new_header(request));
  return out;
}

}  // namespace attestd::unlock
