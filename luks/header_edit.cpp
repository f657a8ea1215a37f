#include "luks/header_edit.h"

#include <libcryptsetup.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace attestd::luks {
namespace {

constexpr std::uint32_t cheap_iterations = 1000;  // the fewest that LUKS2 has

const char* text(const SecretBytes& secret) { return reinterpret_cast<const char*>(secret.view().data()); }

void keep_complaint(int level, const char* message, void* where) {
  if (level == CRYPT_LOG_ERROR) *static_cast<std::string*>(where) = trimmed(message, " \t\r\n");
}

}  // namespace

void HeaderEdit::Free::operator()(crypt_device* device) const { crypt_free(device); }

// libcryptsetup gives errno, negated.
std::unexpected<Error> HeaderEdit::failed(int code, const std::string& doing) const {
  auto out = fail_errno(-code, "cannot " + doing + (complaint_->empty() ? "" : ": " + *complaint_));
  complaint_->clear();
  return out;
}

Result<HeaderEdit> HeaderEdit::begin(const DeviceHeader& before) {
  HeaderEdit out;
  out.device_size_ = before.device_size;
  out.metadata_size_ = before.metadata.size();
  out.complaint_ = std::make_unique<std::string>();
  out.memory_ = UniqueFd(::memfd_create("attestd-header", MFD_CLOEXEC));
  if (!out.memory_) return fail_errno(errno, "cannot make a file in memory for a header");
  ATTESTD_CHECK(write_all(out.memory_.get(), "a header in memory", before.metadata));
  // The rest is a hole.
  if (::ftruncate(out.memory_.get(), static_cast<off_t>(before.device_size)) != 0) {
    return fail_errno(errno, "cannot make the header's copy as long as the device");
  }
  // Tokens are written here, not asked: no plugin need be loaded.
  crypt_token_external_disable();
  crypt_device* raw = nullptr;
  if (const int code = crypt_init(&raw, out.path().c_str()); code < 0) return out.failed(code, "open a header's copy");
  out.device_.reset(raw);
  crypt_set_log_callback(raw, keep_complaint, out.complaint_.get());
  if (const int code = crypt_load(raw, CRYPT_LUKS2, nullptr); code < 0) return out.failed(code, "read a header's copy");
  return out;
}

Result<std::optional<unsigned>> HeaderEdit::opened_by(const SecretBytes& passphrase,
                                                      std::optional<unsigned> keyslot) const {
  const int wanted = keyslot ? static_cast<int>(*keyslot) : CRYPT_ANY_SLOT;
  const int slot = crypt_activate_by_passphrase(device_.get(), nullptr, wanted, text(passphrase), passphrase.size(), 0);
  if (slot >= 0) return static_cast<unsigned>(slot);
  complaint_->clear();
  if (slot == -EPERM || slot == -ENOENT) return std::nullopt;
  return failed(slot, "try a key");
}

Result<unsigned> HeaderEdit::add_keyslot(const SecretBytes& passphrase, const SecretBytes& added) {
  crypt_pbkdf_type cheap{};
  cheap.type = CRYPT_KDF_PBKDF2;
  cheap.hash = "sha256";
  cheap.iterations = cheap_iterations;
  cheap.flags = CRYPT_PBKDF_NO_BENCHMARK;
  if (const int code = crypt_set_pbkdf_type(device_.get(), &cheap); code < 0) {
    return failed(code, "choose a derivation");
  }
  const int slot = crypt_keyslot_add_by_passphrase(device_.get(), CRYPT_ANY_SLOT, text(passphrase), passphrase.size(),
                                                   text(added), added.size());
  if (slot == -EPERM) return fail(Errc::permission, "no keyslot of the volume is opened by this key");
  if (slot < 0) return failed(slot, "add a keyslot");
  return static_cast<unsigned>(slot);
}

Result<void> HeaderEdit::remove_keyslot(unsigned keyslot) {
  if (const int code = crypt_keyslot_destroy(device_.get(), static_cast<int>(keyslot)); code < 0) {
    return failed(code, "remove keyslot " + std::to_string(keyslot));
  }
  return {};
}

Result<unsigned> HeaderEdit::add_token(const std::string& json) {
  const int token = crypt_token_json_set(device_.get(), CRYPT_ANY_TOKEN, json.c_str());
  if (token < 0) return failed(token, "add a token");
  return static_cast<unsigned>(token);
}

Result<void> HeaderEdit::replace_token(unsigned token, const std::string& json) {
  if (const int code = crypt_token_json_set(device_.get(), static_cast<int>(token), json.c_str()); code < 0) {
    return failed(code, "write token " + std::to_string(token));
  }
  return {};
}

Result<void> HeaderEdit::remove_token(unsigned token) {
  if (const int code = crypt_token_json_set(device_.get(), static_cast<int>(token), nullptr); code < 0) {
    return failed(code, "remove token " + std::to_string(token));
  }
  return {};
}

std::string HeaderEdit::path() const {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(memory_.get());
}

Result<DeviceHeader> HeaderEdit::finish() const {
  ATTESTD_TRY(DeviceHeader out, read_device_header(memory_.get(), "the header's copy"));
  if (out.metadata.size() != metadata_size_) {
    return fail(Errc::mismatch, "libcryptsetup made another layout of the header, which was not asked for");
  }
  return out;
}

}  // namespace attestd::luks
