#include "evidence/pem.h"

#include <string>

#include "base/encoding.h"

namespace attestd {
namespace {

constexpr std::string_view pem_begin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view pem_end = "-----END CERTIFICATE-----";
constexpr std::size_t pem_line = 64;

}  // namespace

Result<std::vector<Bytes>> certificates_from_pem(std::string_view text) {
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

std::string certificate_to_pem(ByteView der) {
  const std::string text = to_base64(der);
  std::string out = std::string(pem_begin) + "\n";
  for (std::size_t at = 0; at < text.size(); at += pem_line) out += text.substr(at, pem_line) + "\n";
  return out.append(pem_end) + "\n";
}

}  // namespace attestd
