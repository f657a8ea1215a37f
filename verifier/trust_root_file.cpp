#include "verifier/trust_root_file.h"

#include "base/encoding.h"
#include "base/file.h"
#include "verifier/openssl_internal.h"

namespace attestd {
namespace {

constexpr std::size_t file_limit = std::size_t{1} << 20U;
constexpr std::string_view pem_begin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view pem_end = "-----END CERTIFICATE-----";

bool is_certificate(ByteView der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* const end = at + der.size();
  const openssl::Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  return certificate != nullptr && at == end;
}

Result<std::vector<Bytes>> from_pem(std::string_view text) {
  std::vector<Bytes> out;
  for (std::size_t at = text.find(pem_begin); at != std::string_view::npos; at = text.find(pem_begin, at)) {
    at += pem_begin.size();
    const std::size_t end = text.find(pem_end, at);
    if (end == std::string_view::npos) return fail_at(Errc::truncated, at, "certificate has no END line");
    std::string encoded;
    for (const char c : text.substr(at, end - at)) {
      if (c != '\n' && c != '\r') encoded += c;
    }
    ATTESTD_TRY(Bytes der, from_base64(encoded));
    out.push_back(std::move(der));
    at = end;
  }
  return out;
}

}  // namespace

Result<std::vector<Bytes>> load_trust_roots(const std::string& path) {
  ATTESTD_TRY(Bytes contents, read_file(path, file_limit));
  auto certificates = from_pem(as_text(contents));
  if (!certificates) return std::unexpected(std::move(certificates).error().in(path));
  if (certificates->empty()) certificates->push_back(std::move(contents));
  for (const Bytes& der : *certificates) {
    if (!is_certificate(der)) return fail(Errc::malformed, path + " is not a certificate in PEM or DER");
  }
  return certificates;
}

}  // namespace attestd
