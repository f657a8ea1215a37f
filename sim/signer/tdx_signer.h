// Signs TD quotes as Intel's quoting enclave would on a platform that Intel
// certified, and makes the collateral of Intel's service for it, all under a chain
// of Intel's exact shape whose names say SIMULATED. For attestd-sim and for tests.
// Source of the shapes: Intel "SGX PCK Certificate and CRL Profile Specification",
// revision 1.5; Intel PCS API version 4.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "evidence/dcap_collateral.h"
#include "evidence/pck_extensions.h"
#include "evidence/td_quote.h"

namespace attestd::sim {

struct TdxSignerOptions {
  TdxSignerOptions();

  PckExtensions pck;    // what the PCK certificate states
  TdxTcbInfo tcb_info;  // one level, UpToDate, that the platform reaches; module identity TDX_01
  TdxQeIdentity qe_identity;
  SgxReportBody qe_report;  // the QE's, without its report data; it is qe_identity's

  std::int64_t not_before = 1704067200;  // 2024-01-01; Unix seconds, of all certificates and lists
  std::int64_t not_after = 2335219200;   // 2044-01-01; collateral has its own times
  std::vector<std::uint64_t> revoked_by_root;
  std::vector<std::uint64_t> revoked_by_ca;

  // Defects that a verifier must find.
  struct Defects {
    bool intermediate_is_no_ca = false;
    bool sha384 = false;        // signatures of certificates by SHA-384, not SHA-256
    bool no_extension = false;  // PCK certificate without the SGX extension
    bool leaf_is_ca = false;
    bool leaf_signed_by_root = false;
    bool unbound_key = false;            // the QE report vouches for another key
    bool other_key_signs_quote = false;  // not the one that the quote carries
    bool other_key_signs_qe = false;     // not the PCK
    bool pck_signs_collateral = false;   // not the TCB signing key
    std::string issuer_name;             // of the PCK CA, instead of the right one
    std::string tcb_signing_name;        // likewise
  } defects;
};

class TdxSigner {
 public:
  static constexpr std::uint64_t intermediate_serial = 0x020001;
  static constexpr std::uint64_t leaf_serial = 0x020002;
  static constexpr std::uint64_t tcb_signing_serial = 0x020003;

  static Result<TdxSigner> mint(const TdxSignerOptions& options);
  // New certificates over the same keys, under the same root certificate.
  [[nodiscard]] Result<TdxSigner> reissue(const TdxSignerOptions& options) const;

  // A folder of tdx-root.pem and the keys (tdx-*.key), each file with mode 0600.
  static Result<TdxSigner> load(const std::string& folder, const TdxSignerOptions& options);
  [[nodiscard]] Result<void> save(const std::string& folder) const;

  // Fills the header (version 4 for a TD 1.0 body, else 5; a version that is set
  // stays), the QE report and the certification data, and signs.
  [[nodiscard]] Result<Bytes> sign_quote(TdQuote quote) const;
  // A body of this platform: TEE TCB SVN, SEAM attributes and MRSIGNERSEAM that the
  // TCB info accepts.
  [[nodiscard]] TdQuoteBody body(TdBodyType type) const;

  struct Collateral {
    Bytes tcb_info;           // tcbinfo.json
    Bytes qe_identity;        // qeidentity.json
    Bytes pck_crl;            // DER
    Bytes root_crl;           // DER
    Bytes tcb_signing_chain;  // PEM: TCB signing, root
    Bytes pck_crl_chain;      // PEM: PCK CA, root
  };
  [[nodiscard]] Result<Collateral> collateral() const;
  // Into an existing folder, under the names of verifier/tdx_collateral.h.
  [[nodiscard]] Result<void> write_collateral(const std::string& folder) const;
  // Signs a body of one's own with the TCB signing key.
  [[nodiscard]] Result<Bytes> sign_json(DcapKind kind, std::string_view body) const;

  [[nodiscard]] Bytes root_der() const;
  [[nodiscard]] std::string root_pem() const;
  [[nodiscard]] const TdxSignerOptions& options() const { return options_; }

  TdxSigner(TdxSigner&&) noexcept;
  TdxSigner& operator=(TdxSigner&&) noexcept;
  ~TdxSigner();

 private:
  struct Keys;
  struct Chain;
  TdxSigner(TdxSignerOptions options, std::shared_ptr<const Keys> keys, std::unique_ptr<Chain> chain);
  static Result<TdxSigner> issue(const TdxSignerOptions& options, std::shared_ptr<const Keys> keys,
                                 const Chain* previous);

  TdxSignerOptions options_;
  std::shared_ptr<const Keys> keys_;
  std::unique_ptr<Chain> chain_;
};

// As Intel's service writes them; without signature.
std::string encode_tdx_tcb_info(const TdxTcbInfo& info);
std::string encode_tdx_qe_identity(const TdxQeIdentity& identity);

}  // namespace attestd::sim
