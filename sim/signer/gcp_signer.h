// Certifies keys of a vTPM as Google does for its shielded VMs, under a chain of
// that shape whose names say SIMULATED. For attestd-sim and for tests.
// Source of the shape: genuine certificates. A root, an intermediate each for
// attestation and endorsement keys, all RSA with SHA-256, and the instance's
// identity in extension 1.3.6.1.4.1.11129.2.1.21.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "evidence/gce_instance.h"
#include "evidence/tpm_attest.h"
#include "verifier/ak_certificate.h"

namespace attestd::sim {

struct GcpSignerOptions {
  GceInstance instance = {"sim-central1-a", 123456789012, "attestd-sim", 6524697943022743941, "instance-1", 0, true};
  std::int64_t not_before = 1704067200;  // 2024-01-01; Unix seconds
  std::int64_t not_after = 2335219200;   // 2044-01-01

  // Defects that a verifier must find.
  struct Defects {
    bool intermediate_is_no_ca = false;
    bool intermediate_expired = false;
    bool signed_by_root_key = false;  // the key's certificate, although its issuer is the intermediate
    bool other_usage = false;         // of the key: encryption for attestation keys and the reverse
    bool leaf_is_ca = false;
    bool leaf_expired = false;
    bool sha1 = false;  // the signature of the key's certificate
    bool unknown_critical_extension = false;
    bool no_instance = false;
  } defects;
};

class GcpSigner {
 public:
  // Three RSA-2048 keys (Google's have 4096 bits): a second or so.
  static Result<GcpSigner> mint(const GcpSignerOptions& options);
  // New certificates over the same keys.
  [[nodiscard]] Result<GcpSigner> reissue(const GcpSignerOptions& options) const;
  // A folder of gcp-root.key, gcp-ak-ca.key, gcp-ek-ca.key and gcp-root.pem.
  static Result<GcpSigner> load(const std::string& folder, const GcpSignerOptions& options);
  [[nodiscard]] Result<void> save(const std::string& folder) const;

  [[nodiscard]] Result<Bytes> certify(const TpmPublic& key, TpmKeyUse use) const;  // DER
  [[nodiscard]] Bytes root_der() const;
  [[nodiscard]] Result<std::string> root_pem() const;
  [[nodiscard]] std::vector<Bytes> chain(TpmKeyUse use) const;  // intermediate, root; DER
  [[nodiscard]] Result<std::string> chain_pem(TpmKeyUse use) const;

  GcpSigner(GcpSigner&&) noexcept;
  GcpSigner& operator=(GcpSigner&&) noexcept;
  ~GcpSigner();

 private:
  struct Keys;
  struct Chain;
  GcpSigner(GcpSignerOptions options, std::shared_ptr<const Keys> keys, std::unique_ptr<Chain> chain);
  // Keeps the root certificate when one is given.
  static Result<GcpSigner> issue(const GcpSignerOptions& options, std::shared_ptr<const Keys> keys,
                                 std::unique_ptr<Chain> chain);

  GcpSignerOptions options_;
  std::shared_ptr<const Keys> keys_;
  std::unique_ptr<Chain> chain_;
};

}  // namespace attestd::sim
