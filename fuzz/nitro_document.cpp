// A COSE_Sign1 with an attestation document, and the messages that carry one:
// whatever parses survives encoding and parsing.
#include "evidence/nitro_document.h"

#include <cstdlib>

#include "evidence/cose_sign1.h"
#include "evidence/nsm_message.h"

using namespace attestd;

namespace {

void check_document(ByteView payload) {
  const auto document = parse_nitro_document(payload);
  if (!document) return;
  const auto again = parse_nitro_document(encode_nitro_document(*document));
  if (!again || again->kind != document->kind || again->pcrs != document->pcrs || again->nonce != document->nonce ||
      again->cabundle != document->cabundle || again->module_id != document->module_id) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(reinterpret_cast<const std::byte*>(data), size);
  check_document(input);
  if (const auto request = parse_nsm_request(input)) {
    const auto again = parse_nsm_request(encode_nsm_request(*request));
    if (!again || again->nonce != request->nonce || again->user_data != request->user_data) std::abort();
  }
  static_cast<void>(parse_nsm_response(input));
  if (const auto message = parse_cose_sign1(input)) {
    check_document(message->payload);
    if (!parse_cose_sign1(encode_cose_sign1(*message))) std::abort();
  }
  return 0;
}
