// A token by one fixed key, then its times; and claims by themselves, which no signature
// keeps from the reader of times.
#include "jose/jwt.h"

#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace attestd;
  // RFC 7515 appendix A.3.1
  static const PublicJwk key =
      *parse_jwk(R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                 R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  const auto claims = verify_jwt(text, key);
  if (claims && *claims != R"({"iss":"a seed","exp":4102444800,"nbf":0})") std::abort();
  if (claims && !check_jwt_times(*claims, 1764000000)) std::abort();
  // What is valid now stays so with more leeway.
  if (check_jwt_times(text, 1764000000) && !check_jwt_times(text, 1764000000, 60)) std::abort();
  return 0;
}
