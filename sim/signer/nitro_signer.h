// Signs attestation documents as AWS's Nitro hypervisor would, under a chain of
// that shape whose names say SIMULATED. For attestd-sim and for tests.
// Source of the shape: public documents of Nitro Enclaves. A root, a regional, a
// zonal and an instance's certificate, all CAs on P-384, and a leaf for some
// hours that is made together with the document.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "evidence/nitro_document.h"

namespace attestd::sim {

struct NitroSignerOptions {
  std::string instance_id = "i-0123456789abcdef0";
  std::int64_t not_before = 1704067200;  // 2024-01-01; Unix seconds, of the CAs
  std::int64_t not_after = 2335219200;   // 2044-01-01
  std::int64_t leaf_seconds = 10800;     // validity of the leaf, from just before it signs

  // Defects that a verifier must find.
  struct Defects {
    bool zonal_is_no_ca = false;
    bool zonal_signed_by_root_key = false;  // although its issuer is the regional one
    bool zonal_expired = false;
    bool zonal_allows_no_ca = false;  // a path length of 0, with the instance's CA below
    bool zonal_sha256 = false;        // its signature
    bool leaf_is_ca = false;
    bool leaf_may_not_sign = false;  // key usage without digitalSignature
    bool leaf_on_p256 = false;
    bool unknown_critical_extension = false;  // of the leaf
    std::int64_t algorithm = 0;               // in the protected header, instead of ES384
    bool signed_by_another_key = false;       // the document
  } defects;
};

class NitroSigner {
 public:
  static Result<NitroSigner> mint(const NitroSignerOptions& options);
  // New certificates over the same keys.
  [[nodiscard]] Result<NitroSigner> reissue(const NitroSignerOptions& options) const;
  // A folder of root.key, regional.key, zonal.key and instance.key, and root.pem;
  // every file with mode 0600. The other certificates are made anew.
  static Result<NitroSigner> load(const std::string& folder, const NitroSignerOptions& options);
  [[nodiscard]] Result<void> save(const std::string& folder) const;

  // A COSE_Sign1. Fills the certificates, the timestamp from `now` (Unix seconds)
  // where it is 0, and the module ID where it is empty.
  [[nodiscard]] Result<Bytes> sign(NitroDocument document, std::int64_t now) const;

  [[nodiscard]] Bytes root_der() const;
  [[nodiscard]] Result<std::string> root_pem() const;

  NitroSigner(NitroSigner&&) noexcept;
  NitroSigner& operator=(NitroSigner&&) noexcept;
  ~NitroSigner();

 private:
  struct Keys;
  struct Chain;
  NitroSigner(NitroSignerOptions options, std::shared_ptr<const Keys> keys, std::unique_ptr<Chain> chain);
  // Keeps the root certificate when one is given.
  static Result<NitroSigner> issue(const NitroSignerOptions& options, std::shared_ptr<const Keys> keys,
                                   std::unique_ptr<Chain> chain);

  NitroSignerOptions options_;
  std::shared_ptr<const Keys> keys_;
  std::unique_ptr<Chain> chain_;
};

}  // namespace attestd::sim
