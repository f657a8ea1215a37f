// All that a relying party (attest-brokerd(8), or Trustee's server for releases) offers guests, from their side: the
// KBS protocol's challenge, evidence that is bound to it and to a key made for this exchange, and with the token that
// follows the secrets of the KBS protocol and attest-brokerd's own /v1/enrolment, /v1/volume-header and
// /v1/rotation (docs/broker.md).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "evidence/bundle.h"
#include "evidence/statement.h"
#include "kbs/message.h"
#include "net/fetch.h"

namespace attestd::unlock {

// What the KBS protocol calls a platform of attestd's: "azure-snp", "kvm-tdx".
kbs::Tee tee_of(std::string_view platform);

// Who makes evidence.
struct Attester {
  kbs::Tee tee = kbs::Tee::snp;
  // A bundle of purpose unlock.
  std::function<Result<std::string>(const Bytes& nonce, const UnlockClaim& claim)> bundle;
  // A report over these 64 bytes, without a statement: for Trustee's own server.
  std::function<Result<Bundle>(const FixedBytes<64>& report_data)> raw_report;
};

inline constexpr std::uint16_t default_party_port = 28444;  // attest-brokerd's

struct PartyAddress {
  std::string url;  // "https://HOST:PORT"
  std::string ca_file;
  std::string policy;    // that is to judge, or empty: any
  bool trustee = false;  // evidence as Trustee's guests give it
  std::string user_agent = "attestd-unlock";
  std::chrono::milliseconds timeout{30000};  // of each request
};

// One conversation. What each request may end with, besides those of the Fetch (no answer, another certificate):
// refused (the relying party's word, which another try will not change), malformed (what it sent is not the protocol),
// unavailable (it has trouble, or the token's time is over: attest() again).
class RelyingParty {
 public:
  RelyingParty(PartyAddress address, Attester attester, Fetch fetch);
  RelyingParty(RelyingParty&&) noexcept;
  RelyingParty& operator=(RelyingParty&&) noexcept;
  ~RelyingParty();

  // A new challenge and a new key; the token is kept. `volume` is what the evidence says of the disk. Errors: also
  // those of the attester.
  Result<void> attest(const std::optional<UnlockClaim::Volume>& volume);
  // The others need that; without it: usage. `resource` is "REPOSITORY/TYPE/TAG".
  //
  // Errors: also mismatch (the secret is not for our key).
  Result<SecretBytes> release(const std::string& resource);
  // A key that is made now, for who has this single-use token. A resource that is there is never made anew: refused.
  // When no answer comes, the token may be spent all the same.
  Result<SecretBytes> enrol(const std::string& resource, const std::string& enrolment_token);
  // Which LUKS2 header the volume will have next; the evidence must have shown the one that is enrolled. `digest` is
  // luks::canonical_digest()'s.
  Result<void> announce_header(const std::string& resource, const FixedBytes<32>& digest);
  // `key` is the volume's from now on, for who has this single-use token. When no answer comes it may be so all the
  // same: what release() gives then tells.
  Result<void> rotate(const std::string& resource, const std::string& rotation_token, const SecretBytes& key);

 private:
  class Conversation;
  std::unique_ptr<Conversation> conversation_;
};

// Whether another try may end otherwise.
bool may_pass(const Error& error);

}  // namespace attestd::unlock
