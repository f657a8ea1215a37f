// A secret from a relying party, by the KBS protocol: challenge, evidence that is bound to it and to a key
// made for this exchange, and the secret encrypted to that key.
#pragma once

#include <functional>
#include <string>

#include "base/secret.h"
#include "evidence/bundle.h"
#include "evidence/statement.h"
#include "kbs/message.h"
#include "net/http_fetch.h"

namespace attestd::unlock {

// Who makes evidence.
struct Attester {
  kbs::Tee tee = kbs::Tee::snp;
  // A bundle of purpose unlock.
  std::function<Result<std::string>(const Bytes& nonce, const UnlockClaim& claim)> bundle;
  // A report over these 64 bytes, without a statement: for Trustee's own server.
  std::function<Result<Bundle>(const FixedBytes<64>& report_data)> raw_report;
};

struct ReleaseRequest {
  std::string url;  // "https://HOST:PORT"
  std::string ca_file;
  std::string resource;  // "REPOSITORY/TYPE/TAG"
  std::string policy;    // or empty
  bool trustee = false;  // evidence as Trustee's guests give it
  std::optional<UnlockClaim::Volume> volume;
  std::chrono::milliseconds timeout{30000};  // of each of the three requests
};

// How an exchange is made; in tests something else than http_fetch().
using Fetch = std::function<Result<FetchResponse>(const FetchRequest&)>;

// Errors: refused (the relying party does not release it: its word, which another try will not change),
// malformed (what it sent is not the protocol), mismatch (the secret is not for our key), those of the
// attester, and those of http_fetch(): no answer, another certificate.
Result<SecretBytes> fetch_secret(const ReleaseRequest& request, const Attester& attester,
                                 const Fetch& fetch = http_fetch);

// Whether another try may end otherwise.
bool may_pass(const Error& error);

}  // namespace attestd::unlock
