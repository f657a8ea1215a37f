#include "unlock/token_store.h"

#include <fcntl.h>
#include <libcryptsetup.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace attestd::unlock {
namespace {

constexpr std::uint32_t cheap_iterations = 1000;  // the fewest that LUKS2 has; a random key needs none

const char* text(const SecretBytes& secret) { return reinterpret_cast<const char*>(secret.view().data()); }

// libcryptsetup gives errno, negated.
std::unexpected<Error> failed(int code, std::string doing) { return fail_errno(-code, "cannot " + std::move(doing)); }

Result<void> flush(const std::string& path) {
  const UniqueFd device(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!device || ::fsync(device.get()) != 0) return fail_errno(errno, "cannot flush " + path);
  return {};
}

}  // namespace

void TokenStore::Free::operator()(crypt_device* device) const { crypt_free(device); }

Result<TokenStore> TokenStore::open(const std::string& device) {
  TokenStore out;
  out.path_ = device;
  crypt_device* raw = nullptr;
  if (const int code = crypt_init(&raw, device.c_str()); code < 0) return failed(code, "open " + device);
  out.device_.reset(raw);
  if (const int code = crypt_load(raw, CRYPT_LUKS2, nullptr); code < 0) {
    return failed(code, "read the LUKS2 header of " + device);
  }
  return out;
}

Result<void> TokenStore::replace(unsigned id, const luks::UnlockToken& token) {
  ATTESTD_TRY(const std::string json, luks::encode_unlock_token(token));
  if (const int code = crypt_token_json_set(device_.get(), static_cast<int>(id), json.c_str()); code < 0) {
    return failed(code, "write the token of " + path_);
  }
  return flush(path_);
}

Result<void> TokenStore::add(const SecretBytes& passphrase, const SecretBytes& key, luks::UnlockToken token) {
  crypt_pbkdf_type cheap{};
  cheap.type = CRYPT_KDF_PBKDF2;
  cheap.hash = "sha256";
  cheap.iterations = cheap_iterations;
  cheap.flags = CRYPT_PBKDF_NO_BENCHMARK;
  if (const int code = crypt_set_pbkdf_type(device_.get(), &cheap); code < 0)
    return failed(code, "choose a derivation");
  const int slot = crypt_keyslot_add_by_passphrase(device_.get(), CRYPT_ANY_SLOT, text(passphrase), passphrase.size(),
                                                   text(key), key.size());
  if (slot < 0) return failed(slot, "add a keyslot to " + path_);
  token.keyslots = {static_cast<unsigned>(slot)};
  ATTESTD_TRY(const std::string json, luks::encode_unlock_token(token));
  if (const int code = crypt_token_json_set(device_.get(), CRYPT_ANY_TOKEN, json.c_str()); code < 0) {
    return failed(code, "add a token to " + path_);
  }
  return flush(path_);
}

}  // namespace attestd::unlock
