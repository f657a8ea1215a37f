// A keyslot that the VM's TPM opens. The TPM is attestd-unlock's, which attestctl runs: it has no TPM library.
#pragma once

#include "client/disk_change.h"

namespace attestd {

struct VtpmChange {
  std::string device;
  DiskBrokerOptions broker;
  std::string key_file;
  DiskVtpmOptions vtpm;
  bool dry_run = false;
};
// attestd-unlock --enrol-vtpm on the header's copy, the tokens `instead` taken away, and then as change_header() has
// it. Errors: not_found (the program is not there), refused and unavailable (it ended with 1 or another status).
Result<int> enroll_in_vtpm(const CommonOptions& common, const VtpmChange& change, const luks::DeviceHeader& before,
                           const std::vector<unsigned>& instead);

// Whether each option that was given does something with this method. Error: usage, with the option's name.
Result<void> require_effect(const std::string& method, const DiskVtpmOptions& vtpm, const std::string& token_file);

// How the volume's TPM tokens were sealed, where `given` does not say otherwise: the registers and the counter of the
// one that attestd-unlock takes, the first. Errors: usage (one has a PIN, and none is given).
Result<DiskVtpmOptions> sealed_as_before(DiskVtpmOptions given, const std::vector<OwnToken>& tokens);

// A party and the key that it keeps, where something says that one keeps this volume's; else none. Evidence has then
// shown `before`, and the party has found its others; it is one that stays when the tokens `leaving` go, where some do.
struct PartyAndKey {
  std::optional<DiskParty> party;
  SecretBytes key;
  [[nodiscard]] DiskParty* get() { return party ? &*party : nullptr; }
};
Result<PartyAndKey> party_of(const CommonOptions& common, const DiskBrokerOptions& options,
                             const luks::DeviceHeader& before, const std::vector<unsigned>& leaving = {});

}  // namespace attestd
