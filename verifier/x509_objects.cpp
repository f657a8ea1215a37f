#include <algorithm>
#include <array>
#include <filesystem>

#include "verifier/x509_internal.h"
#include "verifier/x509_objects_internal.h"

namespace attestd::x509 {
namespace {

constexpr std::size_t maximal_files = 256;
constexpr std::array<std::string_view, 5> extensions{".pem", ".der", ".crt", ".cer", ".crl"};

using PemText = openssl::Handle<char, [](char* text) { OPENSSL_free(text); }>;
using PemData = openssl::Handle<unsigned char, [](unsigned char* data) { OPENSSL_free(data); }>;

Result<void> add_der(ByteView der, std::vector<Bytes>& certificates, std::vector<Bytes>& crls,
                     VerificationCache* cache) {
  if (parse_certificate(der, cache)) {
    certificates.push_back(to_bytes(der));
    return {};
  }
  if (parse_crl(der, cache)) {
    crls.push_back(to_bytes(der));
    return {};
  }
  return fail(Errc::malformed, "neither a certificate nor a revocation list in PEM or DER");
}

}  // namespace

Result<void> add_objects(ByteView bytes, std::vector<Bytes>& certificates, std::vector<Bytes>& crls,
                         VerificationCache* cache) {
  if (as_text(bytes).find("-----BEGIN ") == std::string_view::npos) return add_der(bytes, certificates, crls, cache);
  const openssl::Stream stream(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  if (stream == nullptr) return openssl::failure("cannot read PEM");
  std::size_t found = 0;
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(stream.get(), &name, &header, &data, &size) != 1) break;
    const PemText own_name(name);
    const PemText own_header(header);
    const PemData own_data(data);
    ++found;
    ATTESTD_CHECK(add_der(openssl::view(data, static_cast<std::size_t>(size)), certificates, crls, cache));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end || found == 0) return fail(Errc::malformed, "PEM that breaks off");
  return {};
}

Result<std::vector<std::string>> list_object_files(const std::string& folder, std::span<const std::string_view> also) {
  std::error_code error;
  std::filesystem::directory_iterator iterator(folder, error);
  if (error) return fail_errno(error.value(), "cannot open the folder " + folder);
  std::vector<std::string> out;
  for (; iterator != std::filesystem::directory_iterator(); iterator.increment(error)) {
    const std::string extension = iterator->path().extension().string();
    if (std::ranges::find(extensions, extension) == extensions.end() &&
        std::ranges::find(also, extension) == also.end()) {
      continue;
    }
    if (out.size() == maximal_files) return fail(Errc::out_of_range, folder + " has more than 256 certificate files");
    out.push_back(iterator->path().string());
  }
  if (error) return fail_errno(error.value(), "cannot list the folder " + folder);
  std::ranges::sort(out);
  return out;
}

}  // namespace attestd::x509
