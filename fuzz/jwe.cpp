// Decryption with one fixed key. The seeds are encrypted to it; nobody can make another
// text that decrypts without knowing what it says.
#include "jose/jwe.h"

#include <cstdlib>
#include <span>

#include "tests/jose/private_jwk.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  // RFC 7515 appendix A.3.1
  static const DecryptionKey key = *test::private_jwk(
      R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
      R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"})");
  const auto plaintext = decrypt_jwe(as_text(std::as_bytes(std::span(data, size))), key);
  if (plaintext && as_text(plaintext->view()) != "a seed") std::abort();
  if (!plaintext && plaintext.error().code == Errc::internal) std::abort();
  return 0;
}
