#include "agent/nitro_document.h"

#include <algorithm>

#include "evidence/cose_sign1.h"
#include "evidence/nitro_document.h"
#include "evidence/nsm_message.h"
#include "hwio/nitrotpm.h"

namespace attestd::agent {

Result<Bytes> request_nitro_document(const std::string& tcti, const MerkleHash& root) {
  NsmAttestationRequest request;
  request.nonce = to_bytes(root);
  ATTESTD_TRY(const Bytes answer, hwio::nitrotpm_message(tcti, encode_nsm_request(request)));
  return parse_nsm_response(answer);
}

Result<void> check_nitro_document(ByteView document, const MerkleHash& root, const PcrValues& quoted) {
  ATTESTD_TRY(const CoseSign1 message, parse_cose_sign1(document));
  ATTESTD_TRY(const NitroDocument parsed, parse_nitro_document(message.payload));
  if (parsed.kind != NitroKind::nitrotpm) return fail(Errc::mismatch, "the document is a Nitro Enclave's");
  if (!parsed.nonce || !std::ranges::equal(*parsed.nonce, root)) {
    return fail(Errc::mismatch, "the document does not carry the nonce that it was asked for");
  }
  const auto bank = quoted.find(parsed.digest);
  if (bank == quoted.end()) return {};  // another bank was configured: nothing to compare
  for (const auto& [index, value] : bank->second) {
    const auto found = parsed.pcrs.find(index);
    if (found != parsed.pcrs.end() && found->second != value) {
      return fail(Errc::changed, "PCR " + std::to_string(index) + " differs between the quote and the document");
    }
  }
  return {};
}

}  // namespace attestd::agent
