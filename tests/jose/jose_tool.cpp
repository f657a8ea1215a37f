// Our side of tests/integration/jose.sh.
#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include "base/encoding.h"
#include "base/file.h"
#include "jose/jwe.h"
#include "jose/jwt.h"
#include "tests/jose/private_jwk.h"

namespace {

using namespace attestd;

constexpr std::string_view usage =
    "usage: jose-tool public KEY | thumbprint KEY | make-signing-key\n"
    "       jose-tool encrypt KEY <SECRET | decrypt PRIVATE-KEY <JWE\n"
    "       jose-tool sign PKCS8 <CLAIMS | signer PKCS8 | verify KEY <TOKEN\n"
    "KEY and PRIVATE-KEY are files of a JWK. The answer is on standard output, without a line end.\n";

constexpr std::size_t limit = std::size_t{4} << 20U;

struct Input {
  std::string file;      // contents of the file that was named
  std::string standard;  // what came on standard input
};
struct Command {
  bool reads = false;  // standard input
  Result<std::string> (*run)(const Input&) = nullptr;
};

Result<std::string> decrypt(const Input& input) {
  ATTESTD_TRY(const DecryptionKey key, test::private_jwk(input.file));
  ATTESTD_TRY(const SecretBytes secret, decrypt_jwe(input.standard, key));
  return std::string(as_text(secret.view()));
}

Result<std::string> encrypt(const Input& input) {
  ATTESTD_TRY(const PublicJwk key, parse_jwk(input.file));
  return encrypt_jwe(as_bytes(input.standard), key);
}

Result<std::string> public_text(const Input& input) {
  ATTESTD_TRY(const PublicJwk key, parse_jwk(input.file));
  return key.json();
}

Result<std::string> thumbprint(const Input& input) {
  ATTESTD_TRY(const PublicJwk key, parse_jwk(input.file));
  return to_base64url(key.thumbprint());
}

Result<std::string> make_key(const Input&) {
  ATTESTD_TRY(const SecretBytes key, make_signing_key());
  return std::string(as_text(key.view()));
}

Result<std::string> sign(const Input& input) {
  ATTESTD_TRY(const SigningKey key, SigningKey::from_pkcs8(as_bytes(input.file)));
  return sign_jwt(input.standard, key);
}

Result<std::string> signer(const Input& input) {
  ATTESTD_TRY(const SigningKey key, SigningKey::from_pkcs8(as_bytes(input.file)));
  return key.public_jwk().json();
}

Result<std::string> verify(const Input& input) {
  ATTESTD_TRY(const PublicJwk key, parse_jwk(input.file));
  return verify_jwt(input.standard, key);
}

const std::map<std::string, Command, std::less<>>& commands() {
  static const std::map<std::string, Command, std::less<>> all{
      {"public", {false, public_text}}, {"thumbprint", {false, thumbprint}}, {"make-signing-key", {false, make_key}},
      {"encrypt", {true, encrypt}},     {"decrypt", {true, decrypt}},        {"sign", {true, sign}},
      {"signer", {false, signer}},      {"verify", {true, verify}},
  };
  return all;
}

Result<std::string> run(const Command& command, const char* path) {
  Input input;
  if (path != nullptr) {
    ATTESTD_TRY(const Bytes file, read_file(path, limit));
    input.file = as_text(file);
  }
  if (command.reads) {
    ATTESTD_TRY(const Bytes standard, read_file("/dev/stdin", limit));
    input.standard = as_text(standard);
  }
  return command.run(input);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto command = commands().find(argc > 1 ? argv[1] : "");
    if (command == commands().end() || argc > 3) {
      std::fputs(usage.data(), stderr);
      return 2;
    }
    const auto answer = run(command->second, argc > 2 ? argv[2] : nullptr);
    if (!answer) {
      std::fprintf(stderr, "jose-tool: %s\n", answer.error().text().c_str());
      return 1;
    }
    return std::fwrite(answer->data(), 1, answer->size(), stdout) == answer->size() ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "jose-tool: %s\n", error.what());
    return 1;
  }
}
