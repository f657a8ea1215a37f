// libcryptsetup-token-attestd.so: what libcryptsetup loads for a token of type "attestd".
// Sources: libcryptsetup.h (crypt_token_open_func and the others, CRYPT_TOKEN_ABI_*);
// how the results are taken: LUKS2_token_unlock_key() of cryptsetup 2.6.1.
#include <libcryptsetup.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <type_traits>

#include "config.h"
#include "luks/token.h"
#include "luks/unlock_socket.h"

namespace {

using namespace attestd;

// Zero, or what libcryptsetup makes of an error. It goes on to other tokens after these
// three and ends with any other.
//   EAGAIN  usable, but not ready: nobody unlocks volumes, or not in time
//   ENOENT  of no use: the token is malformed
//   EPERM   no key was given; libcryptsetup 2.6.1 makes it ENOENT
// Never ENOANO, which says that a PIN is missing: a person would be asked for one, on a
// console that the host sees.
int failure_of(const Error& error) {
  switch (error.code) {
    case Errc::unavailable:
    case Errc::timed_out: return -EAGAIN;
    case Errc::refused: return -EPERM;
    default: return -ENOENT;
  }
}

// What is wrong with a token may quote it.
std::string shown(const Error& error) { return luks::printable_ascii(error.text()) + "\n"; }

void complain(crypt_device* device, const Error& error) {
  crypt_log(device, CRYPT_LOG_ERROR, ("attestd token: " + shown(error)).c_str());
}

Result<SecretBytes> key_for(crypt_device* device, int token) {
  const char* json = nullptr;
  if (crypt_token_json_get(device, token, &json) < 0 || json == nullptr) {
    return fail(Errc::not_found, "there is no token " + std::to_string(token));
  }
  ATTESTD_CHECK(luks::parse_unlock_token(json));
  const char* const uuid = crypt_get_uuid(device);
  return luks::ask_for_key(luks::unlock_socket_path, uuid == nullptr ? "" : uuid, luks::unlock_timeout);
}

int open_token(crypt_device* device, int token, char** buffer, std::size_t* size) {
  const auto key = key_for(device, token);
  if (!key) {
    complain(device, key.error());
    return failure_of(key.error());
  }
  // libcryptsetup gives it back to cryptsetup_token_buffer_free().
  auto* const copy = static_cast<char*>(std::malloc(key->size()));
  if (copy == nullptr) return -ENOMEM;
  std::ranges::copy(key->view(), reinterpret_cast<std::byte*>(copy));
  *buffer = copy;
  *size = key->size();
  return 0;
}

void dump_token(crypt_device* device, const char* json) {
  const auto token = luks::parse_unlock_token(json);
  if (!token) return crypt_log(device, CRYPT_LOG_NORMAL, ("\tMalformed:   " + shown(token.error())).c_str());
  std::string text = "\tUnlocked by: " + std::string(token->method == luks::UnlockMethod::broker
                                                         ? "the broker, after attestation, through attestd\n"
                                                         : "the vTPM, after attestation, through attestd\n");
  if (!token->resource.empty()) text += "\tResource:    " + token->resource + "\n";
  text += "\tGeneration:  " + std::to_string(token->generation) + "\n";
  crypt_log(device, CRYPT_LOG_NORMAL, text.c_str());
}

}  // namespace

// No exception may reach C.
extern "C" {

// CRYPT_TOKEN_ABI_*: libcryptsetup.h has their names and types, but no declarations.
int cryptsetup_token_open(crypt_device* device, int token, char** buffer, std::size_t* size, void* user);
void cryptsetup_token_buffer_free(void* buffer, std::size_t size);
int cryptsetup_token_validate(crypt_device* device, const char* json);
void cryptsetup_token_dump(crypt_device* device, const char* json);
const char* cryptsetup_token_version(void);

int cryptsetup_token_open(crypt_device* device, int token, char** buffer, std::size_t* size, void* /*user*/) {
  try {
    return open_token(device, token, buffer, size);
  } catch (...) {
    return -ENOMEM;
  }
}

void cryptsetup_token_buffer_free(void* buffer, std::size_t size) {
  if (buffer == nullptr) return;
  wipe({static_cast<std::byte*>(buffer), size});
  std::free(buffer);
}

int cryptsetup_token_validate(crypt_device* device, const char* json) {
  try {
    const auto token = luks::parse_unlock_token(json);
    if (token) return 0;
    complain(device, token.error());
  } catch (...) {
    return -ENOMEM;
  }
  return -EINVAL;
}

void cryptsetup_token_dump(crypt_device* device, const char* json) {
  try {
    dump_token(device, json);
  } catch (...) {
    crypt_log(device, CRYPT_LOG_ERROR, "attestd token: out of memory\n");
  }
}

const char* cryptsetup_token_version(void) { return ATTESTD_VERSION; }

}  // extern "C"

static_assert(std::is_same_v<crypt_token_open_func, decltype(&cryptsetup_token_open)>);
static_assert(std::is_same_v<crypt_token_buffer_free_func, decltype(&cryptsetup_token_buffer_free)>);
static_assert(std::is_same_v<crypt_token_validate_func, decltype(&cryptsetup_token_validate)>);
static_assert(std::is_same_v<crypt_token_dump_func, decltype(&cryptsetup_token_dump)>);
static_assert(std::is_same_v<crypt_token_version_func, decltype(&cryptsetup_token_version)>);
