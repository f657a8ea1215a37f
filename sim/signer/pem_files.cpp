#include <sys/stat.h>

#include <cerrno>

#include "base/file.h"
#include "sim/signer/pem_files_internal.h"

namespace attestd::sim {
namespace {

using openssl::failure;

constexpr unsigned private_mode = 0600;
constexpr std::size_t file_limit = 65536;

Bytes memory_of(BIO* stream) {
  char* start = nullptr;
  const long size = BIO_get_mem_data(stream, &start);
  if (size <= 0) return {};
  return to_bytes(std::string_view(start, static_cast<std::size_t>(size)));
}

}  // namespace

Result<openssl::Key> load_key(const std::string& path) {
  ATTESTD_TRY(const Bytes pem, read_file(path, file_limit));
  const openssl::Stream stream(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  openssl::Key key(stream == nullptr ? nullptr : PEM_read_bio_PrivateKey(stream.get(), nullptr, nullptr, nullptr));
  if (key == nullptr) return failure("cannot read the private key " + path);
  return key;
}

Result<openssl::Certificate> load_certificate(const std::string& path) {
  ATTESTD_TRY(const Bytes pem, read_file(path, file_limit));
  const openssl::Stream stream(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  openssl::Certificate out(stream == nullptr ? nullptr : PEM_read_bio_X509(stream.get(), nullptr, nullptr, nullptr));
  if (out == nullptr) return failure("cannot read the certificate " + path);
  return out;
}

Result<void> save_key(const std::string& path, EVP_PKEY* key) {
  const openssl::Stream stream(BIO_new(BIO_s_secmem()));
  if (stream == nullptr ||
      PEM_write_bio_PKCS8PrivateKey(stream.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return failure("cannot encode a private key");
  }
  return replace_file(path, memory_of(stream.get()), private_mode);
}

Result<Bytes> certificate_pem(X509* certificate) {
  const openssl::Stream stream(BIO_new(BIO_s_mem()));
  if (stream == nullptr || PEM_write_bio_X509(stream.get(), certificate) != 1) {
    return failure("cannot encode a certificate");
  }
  return memory_of(stream.get());
}

Result<void> save_certificate(const std::string& path, X509* certificate) {
  ATTESTD_TRY(const Bytes pem, certificate_pem(certificate));
  return replace_file(path, pem, private_mode);
}

Result<void> make_key_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno(errno, "cannot create " + folder);
  return {};
}

}  // namespace attestd::sim
