// The relying party that keeps a volume's key, asked by who runs in the VM: evidence is the local agent's.
#pragma once

#include <string>

#include "base/secret.h"
#include "client/disk.h"
#include "luks/header.h"
#include "luks/token.h"
#include "unlock/relying_party.h"

namespace attestd {

class DiskParty {
 public:
  // `header`: of the volume; its tokens say which resource it is where the options do not. Errors: usage (nothing says
  // which broker or which certificate), those of unlock::load_settings().
  static Result<DiskParty> open(const CommonOptions& common, const DiskBrokerOptions& options,
                                const luks::Header& header);

  // Evidence that shows this header. Errors: those of RelyingParty, all with what to do about them.
  Result<void> attest(const luks::Header& header);
  // After attest(): finds what else keeps a key of this volume, and so is told of a new header: the resources of all
  // tokens, and the one that the VM boots by. Errors: refused (a token's resource is not this party's, or its policy
  // does not trust the VM; such a token of `leaving` is only left out).
  Result<void> find_others(const luks::Header& header, const std::vector<unsigned>& leaving = {});
  // attest(), and each of the others sees it too. Error: also mismatch (one releases another key than before).
  Result<void> show(const luks::Header& header);
  Result<SecretBytes> release() { return party_.release(resource_); }
  Result<SecretBytes> enrol(const std::string& token) { return party_.enrol(resource_, token); }
  // To the others as well.
  Result<void> announce(const luks::Header& next);
  Result<void> rotate(const std::string& token, const SecretBytes& key) { return party_.rotate(resource_, token, key); }

  [[nodiscard]] const std::string& resource() const { return resource_; }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  struct Other {
    std::string resource;
    SecretBytes key;
  };
  DiskParty(unlock::RelyingParty party, std::string url, std::string resource, std::string of_boot)
      : party_(std::move(party)), url_(std::move(url)), resource_(std::move(resource)), of_boot_(std::move(of_boot)) {}
  [[nodiscard]] bool knows(const std::string& resource) const;
  Result<void> find_optional(const std::string& resource, const luks::Header& header);

  unlock::RelyingParty party_;
  std::string url_, resource_;
  std::string of_boot_;  // what attestd-unlock asks this party for, or empty
  std::vector<Other> others_;
};

// A token of ours, and where it is.
struct OwnToken {
  unsigned id = 0;
  luks::UnlockToken token;
};
// Those that parse, of one method.
std::vector<OwnToken> own_tokens(const luks::Header& header, luks::UnlockMethod method);

// The header as it says where to ask when these tokens go: by the others, while one of them is a broker's.
luks::Header header_without(const luks::Header& header, const std::vector<unsigned>& leaving);

// Whether anything says that a broker keeps the key: a token of the volume, the options, the VM's settings. Errors:
// those of unlock::load_settings().
Result<bool> has_party(const DiskBrokerOptions& options, const luks::Header& header);

// The token in a file that others may not read, without the line's end. Errors: those of read_file(), malformed.
Result<std::string> read_token(const std::string& path);

}  // namespace attestd
