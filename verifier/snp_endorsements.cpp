#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/file.h"
#include "evidence/snp_certificates.h"
#include "verifier/snp.h"
#include "verifier/x509_internal.h"

namespace attestd {
namespace {

constexpr std::size_t maximal_files = 256;
constexpr std::size_t maximal_file_size = std::size_t{2} << 20U;
constexpr std::array<std::string_view, 5> extensions{".pem", ".der", ".crt", ".cer", ".crl"};

using PemText = openssl::Handle<char, [](char* text) { OPENSSL_free(text); }>;
using PemData = openssl::Handle<unsigned char, [](unsigned char* data) { OPENSSL_free(data); }>;

Result<void> add_der(ByteView der, SnpEndorsements& into) {
  if (x509::parse_certificate(der)) {
    into.certificates.push_back(to_bytes(der));
    return {};
  }
  if (x509::parse_crl(der)) {
    into.crls.push_back(to_bytes(der));
    return {};
  }
  return fail(Errc::malformed, "neither a certificate nor a revocation list in PEM or DER");
}

Result<void> add_pem(ByteView text, SnpEndorsements& into) {
  const openssl::Stream stream(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
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
    ATTESTD_CHECK(add_der(openssl::view(data, static_cast<std::size_t>(size)), into));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end || found == 0) return fail(Errc::malformed, "PEM that breaks off");
  return {};
}

}  // namespace

Result<void> add_snp_certificates(ByteView bytes, SnpEndorsements& into) {
  if (as_text(bytes).find("-----BEGIN ") != std::string_view::npos) return add_pem(bytes, into);
  return add_der(bytes, into);
}

Result<SnpEndorsements> load_snp_endorsements(const std::string& folder) {
  std::error_code error;
  std::filesystem::directory_iterator iterator(folder, error);
  if (error) return fail_errno(error.value(), "cannot open the folder " + folder);
  std::vector<std::string> paths;
  for (; iterator != std::filesystem::directory_iterator(); iterator.increment(error)) {
    if (std::ranges::find(extensions, iterator->path().extension().string()) == extensions.end()) continue;
    if (paths.size() == maximal_files) return fail(Errc::out_of_range, folder + " has more than 256 certificate files");
    paths.push_back(iterator->path().string());
  }
  if (error) return fail_errno(error.value(), "cannot list the folder " + folder);
  std::ranges::sort(paths);
  SnpEndorsements out;
  for (const std::string& path : paths) {
    ATTESTD_TRY(const Bytes bytes, read_file(path, maximal_file_size));
    if (auto added = add_snp_certificates(bytes, out); !added)
      return std::unexpected(std::move(added).error().in(path));
  }
  if (out.certificates.empty())
    return fail(Errc::not_found, folder + " has no certificates (*.pem, *.der, *.crt, *.cer)");
  return out;
}

Result<void> add_snp_certificate_table(ByteView table, SnpEndorsements& into) {
  ATTESTD_TRY(const std::vector<SnpCertificate> entries, parse_snp_certificate_table(table));
  for (const SnpCertificate& entry : entries) {
    if (entry.data.empty()) continue;
    // Vendors may add entries of their own; certificates are found by what they say.
    if (auto added = add_snp_certificates(entry.data, into); !added) {
      const bool known = entry.guid == snp_guid_vcek || entry.guid == snp_guid_vlek || entry.guid == snp_guid_ask ||
                         entry.guid == snp_guid_ark || entry.guid == snp_guid_crl;
      if (known)
        return std::unexpected(std::move(added).error().in("entry " + entry.guid + " of the certificate table"));
    }
  }
  return {};
}

}  // namespace attestd
