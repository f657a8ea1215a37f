#include "verifier/trust_root_file.h"

#include <algorithm>

#include "base/openssl_internal.h"
#include "base/regular_file.h"
#include "evidence/pem.h"

namespace attestd {
namespace {

constexpr std::size_t file_limit = std::size_t{1} << 20U;

bool is_certificate(ByteView der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  const openssl::Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  return certificate != nullptr && at == end;
}

}  // namespace

bool is_inline_trust_root(std::string_view text) { return text.starts_with("-----BEGIN "); }

Result<std::vector<Bytes>> inline_trust_roots(std::string_view pem) {
  ATTESTD_TRY(std::vector<Bytes> certificates, certificates_from_pem(pem));
  if (certificates.empty() || !std::ranges::all_of(certificates, is_certificate)) {
    return fail(Errc::malformed, "the PEM in the policy is not one of certificates");
  }
  return certificates;
}

Result<std::vector<Bytes>> load_trust_roots(const std::string& path) {
  ATTESTD_TRY(Bytes contents, read_regular_file(path, file_limit));
  auto certificates = certificates_from_pem(as_text(contents));
  if (!certificates) return std::unexpected(std::move(certificates).error().in(path));
  if (certificates->empty()) certificates->push_back(std::move(contents));
  for (const Bytes& der : *certificates) {
    if (!is_certificate(der)) return fail(Errc::malformed, path + " is not a certificate in PEM or DER");
  }
  return certificates;
}

}  // namespace attestd
