// A volume's header changed, with the broker's knowledge: told before, written, and shown after, so that no older
// header is good from then on.
#pragma once

#include <string>

#include "client/disk_party.h"
#include "luks/copy.h"
#include "luks/header_edit.h"

namespace attestd {

// The device's header, when attestd-unlock would accept it as well. Errors: those of luks::read_device_header();
// refused.
Result<luks::DeviceHeader> judged_header(const std::string& device);
// `edit`'s header, on the same condition.
Result<luks::DeviceHeader> judged_result(const luks::HeaderEdit& edit);

// Without a party only written. With one that has found its others for `before`, the new header is announced, written,
// and shown; what is released then must be `key`. Errors: mismatch (it is another), those of DiskParty and of
// luks::write_header_change(), which say how far it came.
Result<void> change_header(const std::string& device, const luks::DeviceHeader& before, const luks::DeviceHeader& after,
                           DiskParty* party, const SecretBytes& key);

// Tokens, and the keyslots that no other token names.
Result<void> remove_tokens(luks::HeaderEdit& edit, const luks::Header& header, const std::vector<unsigned>& tokens);
std::vector<unsigned> keyslots_of_only(const luks::Header& header, const std::vector<unsigned>& tokens);

// Whether the volume can do without these keyslots. Errors: refused (it has no other, or, unless `force`, no other that
// is for people and not for a broker or a TPM).
Result<void> check_rest(const luks::Header& header, const std::vector<unsigned>& gone, bool force);

// One line on standard output.
Result<void> say(const std::string& sentence);

}  // namespace attestd
