// Signs SNP reports as AMD's secure processor would, under a chain of AMD's
// exact shape whose names say SIMULATED. For attestd-sim and for tests.
// Source of the shapes: AMD 57230 "VCEK Certificate and KDS Interface
// Specification", revision 1.00, tables 9 to 12.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "evidence/snp_certificates.h"
#include "evidence/snp_report.h"

namespace attestd::sim {

struct SnpSignerOptions {
  SnpProduct product = SnpProduct::milan;
  // What the leaf certificate states and sign() puts into reports.
  SnpTcb tcb{.fmc = std::nullopt, .bootloader = 4, .tee = 0, .snp = 24, .microcode = 219};
  FixedBytes<64> chip_id{};                         // Turin: the first 8 bytes count, the others must be zero
  SnpSigningKey signing_key = SnpSigningKey::vcek;  // or vlek
  std::string csp_id = "CN=simulated.invalid";      // VLEK only
  std::uint32_t report_version = 3;
  std::int64_t not_before = 1704067200;  // 2024-01-01; Unix seconds, of all certificates
  std::int64_t not_after = 2335219200;   // 2044-01-01
  std::uint64_t leaf_serial = 0;         // AMD's leaves all have serial 0

  // Defects that a verifier must find.
  struct Defects {
    bool intermediate_is_no_ca = false;
    bool sha256 = false;         // signatures of certificates by SHA-256, not SHA-384
    bool no_extensions = false;  // leaf without AMD's extensions
    std::string product_name;    // of the leaf, instead of the right one
    bool leaf_signed_by_root = false;
    bool other_intermediate = false;  // a VLEK under "SEV-…", a VCEK under "SEV-VLEK-…"
  } defects;
};

class SnpSigner {
 public:
  // Makes RSA-4096 keys: takes seconds.
  static Result<SnpSigner> mint(const SnpSignerOptions& options);
  // New certificates over the same keys.
  [[nodiscard]] Result<SnpSigner> reissue(const SnpSignerOptions& options) const;

  // A folder of ark.pem, intermediate.pem, leaf.pem, their keys (*.key) and
  // signer.conf; every file with mode 0600. The folder is created (0700).
  static Result<SnpSigner> load(const std::string& folder);
  [[nodiscard]] Result<void> save(const std::string& folder) const;

  // Fills version, signature algorithm, key flags' signer, TCBs (those still
  // zero, and always the reported one), CPUID and chip ID, then signs.
  [[nodiscard]] Result<void> sign(SnpReport& report) const;
  // Signs what is there, whatever it says.
  [[nodiscard]] Result<void> sign_unchanged(SnpReport& report) const;

  // DER; leaf, intermediate and root by their GUIDs, ready for
  // encode_snp_certificate_table().
  [[nodiscard]] std::vector<SnpCertificate> certificates() const;
  [[nodiscard]] Bytes root_der() const;
  [[nodiscard]] std::string root_pem() const;

  // A revocation list by the root. Times in Unix seconds. DER.
  [[nodiscard]] Result<Bytes> crl(const std::vector<std::uint64_t>& revoked_serials, std::int64_t this_update,
                                  std::int64_t next_update) const;
  static constexpr std::uint64_t intermediate_serial = 0x010001;

  [[nodiscard]] const SnpSignerOptions& options() const { return options_; }

  SnpSigner(SnpSigner&&) noexcept;
  SnpSigner& operator=(SnpSigner&&) noexcept;
  ~SnpSigner();

 private:
  struct Keys;
  struct Chain;
  SnpSigner(SnpSignerOptions options, std::shared_ptr<const Keys> keys, std::unique_ptr<Chain> chain);
  static Result<SnpSigner> issue(const SnpSignerOptions& options, std::shared_ptr<const Keys> keys);

  SnpSignerOptions options_;
  std::shared_ptr<const Keys> keys_;
  std::unique_ptr<Chain> chain_;
};

}  // namespace attestd::sim
