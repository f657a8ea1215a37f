// Who keeps the TPM from the host, before a secret is asked of it: a TPM that the host emulates opens every
// volume for the host, whatever its policy.
//
// What can be told from inside, where nobody verifies our own evidence:
//   vmpl       proven, in a VM that is a SEV-SNP guest at all. The SVSM's report, which the kernel gets through
//              memory that the host cannot write, is for VMPL 0 and binds the vTPM's endorsement key; the TPM
//              proves that it has that key and the storage root key both. A VM that only pretends to be a
//              guest can show itself anything, and holds nothing: the secret is in the real one's vTPM.
//   paravisor  trusted, for the measured image says that it runs on Azure. Beyond that, the paravisor's report names
//              the attestation key that certifies the storage root key, so the TPM is that of some paravisor.
//              Not that it is ours: a host that starts the image without one could pass on another VM's.
//   nitro      trusted, for the measured image says that it runs on AWS.
//   host       all else: QEMU's swtpm, Google's vTPM, and what only CPUID or DMI say, which are the host's word.
// Each is what the verifier calls it (attestd-policy(5), [tpm] isolation), which proves more: it has the
// signatures and the launch measurement.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "evidence/hcl_report.h"

namespace attestd::vtpm {

enum class Isolator { host, vmpl, paravisor, nitro };
std::string_view to_string(Isolator isolator);

struct Isolation {
  Isolator by = Isolator::host;
  bool proven = false;  // else the measured image's word
  std::string reason;   // one sentence
};

// The SVSM's report on its vTPM, as hwio/configfs_tsm.h gets it, over a nonce of ours.
struct SvsmAttestation {
  Bytes report;    // 1184 bytes
  Bytes manifest;  // of the vTPM service
};
using AskSvsm = std::function<Result<SvsmAttestation>(const FixedBytes<64>& nonce)>;

struct IsolationRequest {
  std::string tcti;
  // As the measured configuration names it ("azure-snp", attestd.toml(5) [platform] name). Never what detection
  // found: "auto" says nothing.
  std::string platform = "auto";
  Bytes srk_name;  // of luks::VtpmBinding
  AskSvsm svsm;    // empty: the kernel shows none
};
// Errors: refused (an SVSM's or a paravisor's evidence that is not for this TPM), mismatch (the storage root key is
// another), those of asking.
Result<Isolation> find_isolation(const IsolationRequest& request);

// rd.attestd.vtpm=
enum class Require { isolated, any };
// Error: refused.
Result<void> require_isolation(const Isolation& isolation, Require require);

// The endorsement key (TPMT_PUBLIC) that the attestation binds. Errors: refused (another VMPL, another nonce or
// manifest), those of the parsers.
Result<Bytes> svsm_bound_key(const SvsmAttestation& attestation, const FixedBytes<64>& nonce);
// The attestation key that the report in Azure's NV index binds. Errors: the same.
Result<HclKey> hcl_bound_key(ByteView nv_contents);

// This TPM has the key of `endorsement_area` (RSA 2048 by the TCG's template) and the storage root key: a session that
// is salted to the former shows the latter. Errors: refused, mismatch, tpm.
Result<void> prove_endorsement(const std::string& tcti, ByteView endorsement_area, ByteView srk_name);
// The key at 0x81000003, which is `key`, certifies the storage root key. Errors: refused, mismatch, tpm.
Result<void> prove_attestation_key(const std::string& tcti, const HclKey& key, ByteView srk_name);

}  // namespace attestd::vtpm
