// Azure: the paravisor's report from the vTPM, and what the host's metadata service
// adds to it: the VCEK's certificates on SNP, the TD's quote on TDX.
#pragma once

#include <string>
#include <utility>

#include "agent/azure_options.h"
#include "evidence/bundle.h"
#include "evidence/hcl_report.h"
#include "hwio/tpm.h"
#include "net/http_fetch.h"

namespace attestd::agent {

class AzureEvidence {
 public:
  explicit AzureEvidence(AzureOptions options, Fetch fetch = http_fetch)
      : options_(std::move(options)), fetch_(std::move(fetch)) {}

  // Puts the HCL report and what belongs to it into the bundle. Blocks; one thread
  // only. A VCEK that nobody gives is no error: the verifier may have it, and
  // `problem()` says why it is not there. A TD quote that cannot be had is one, since a
  // TDREPORT says nothing without it. Errors: not_found (the vTPM has no report),
  // timed_out, unavailable, out_of_range, malformed, throttled, refused (redirects),
  // mismatch (a TD quote with other report data).
  Result<void> collect(hwio::Tpm& tpm, const MerkleHash& root, Bundle& into);
  // Of the last call, a sentence; empty when all was there.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  Result<HclReport> read_report(hwio::Tpm& tpm, const MerkleHash& root, Bytes& raw);
  Result<Bytes> vcek_certificates(const HclReport& report);
  Result<Bytes> td_quote(const HclReport& report);

  AzureOptions options_;
  Fetch fetch_;
  std::string problem_;
  // What is asked once: certificates of a chip at a TCB, the quote of a TDREPORT.
  Bytes certificates_key_;
  Bytes certificates_;
  Bytes quote_key_;
  Bytes quote_;
};

// Of a chip at a TCB: PEM, leaf first. Errors as above; not_found when the report's
// product is not known and no line of processors has the chip.
Result<Bytes> fetch_vcek_from_kds(const AzureOptions& options, ByteView snp_report, const Fetch& fetch = http_fetch);
Result<Bytes> fetch_vcek_from_imds(const AzureOptions& options, const Fetch& fetch = http_fetch);
Result<Bytes> fetch_td_quote_from_imds(const AzureOptions& options, ByteView td_report,
                                       const Fetch& fetch = http_fetch);

}  // namespace attestd::agent
