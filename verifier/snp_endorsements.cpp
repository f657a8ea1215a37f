#include <vector>

#include "base/file.h"
#include "evidence/snp_certificates.h"
#include "verifier/snp.h"
#include "verifier/x509_objects_internal.h"

namespace attestd {

Result<void> add_snp_certificates(ByteView bytes, SnpEndorsements& into, VerificationCache* cache) {
  return x509::add_objects(bytes, into.certificates, into.crls, cache);
}

Result<SnpEndorsements> load_snp_endorsements(const std::string& folder) {
  ATTESTD_TRY(const std::vector<std::string> paths, x509::list_object_files(folder));
  SnpEndorsements out;
  for (const std::string& path : paths) {
    ATTESTD_TRY(const Bytes bytes, read_file(path, x509::maximal_object_file_size));
    if (auto added = add_snp_certificates(bytes, out); !added)
      return std::unexpected(std::move(added).error().in(path));
  }
  if (out.certificates.empty())
    return fail(Errc::not_found, folder + " has no certificates (*.pem, *.der, *.crt, *.cer)");
  return out;
}

Result<void> add_snp_certificate_table(ByteView table, SnpEndorsements& into, VerificationCache* cache) {
  ATTESTD_TRY(const std::vector<SnpCertificate> entries, parse_snp_certificate_table(table));
  for (const SnpCertificate& entry : entries) {
    if (entry.data.empty()) continue;
    // Vendors may add entries of their own; certificates are found by what they say.
    if (auto added = add_snp_certificates(entry.data, into, cache); !added) {
      const bool known = entry.guid == snp_guid_vcek || entry.guid == snp_guid_vlek || entry.guid == snp_guid_ask ||
                         entry.guid == snp_guid_ark || entry.guid == snp_guid_crl;
      if (known)
        return std::unexpected(std::move(added).error().in("entry " + entry.guid + " of the certificate table"));
    }
  }
  return {};
}

}  // namespace attestd
