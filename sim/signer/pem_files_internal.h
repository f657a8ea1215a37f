// Keys and certificates in PEM files of mode 0600. For the signers' .cpp files only.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/openssl_internal.h"

namespace attestd::sim {

Result<openssl::Key> load_key(const std::string& path);
Result<openssl::Certificate> load_certificate(const std::string& path);
// PKCS #8, not encrypted: these keys vouch for nothing.
Result<void> save_key(const std::string& path, EVP_PKEY* key);
Result<void> save_certificate(const std::string& path, X509* certificate);
Result<Bytes> certificate_pem(X509* certificate);
// Creates the folder (0700) if it is not there.
Result<void> make_key_folder(const std::string& folder);

}  // namespace attestd::sim
