#include "client/disk_change.h"

#include <algorithm>

#include "luks/header_change.h"
#include "luks/validate.h"

namespace attestd {
namespace {

bool contains(const std::vector<unsigned>& list, unsigned value) {
  return std::ranges::find(list, value) != list.end();
}

// Whether a broker or a TPM opens it, as far as the tokens say.
bool is_machines(const luks::Header& header, unsigned keyslot) {
  return std::ranges::any_of(header.tokens, [&](const luks::Token& token) {
    return (token.type == luks::unlock_token_type || token.type == "systemd-tpm2") &&
           std::ranges::find(token.keyslots, keyslot) != token.keyslots.end();
  });
}

}  // namespace

Result<luks::DeviceHeader> judged_header(const std::string& device) {
  ATTESTD_TRY(luks::DeviceHeader out, luks::read_device_header(device));
  if (auto valid = luks::require_valid(out.header, luks::unlock_expectation()); !valid) {
    return std::unexpected(std::move(valid).error().in("the LUKS2 header of " + device + " is refused"));
  }
  return out;
}

Result<luks::DeviceHeader> judged_result(const luks::HeaderEdit& edit) {
  ATTESTD_TRY(luks::DeviceHeader out, edit.finish());
  if (auto valid = luks::require_valid(out.header, luks::unlock_expectation()); !valid) {
    return std::unexpected(std::move(valid).error().in("the header would be one that no VM unlocks"));
  }
  return out;
}

Result<void> change_header(const std::string& device, const luks::DeviceHeader& before, const luks::DeviceHeader& after,
                           DiskParty* party, const SecretBytes& key) {
  if (party != nullptr) ATTESTD_CHECK(party->announce(after.header));
  ATTESTD_CHECK(luks::write_header_change(device, before, after));
  if (party == nullptr) return {};
  const auto shown = [&]() -> Result<void> {
    ATTESTD_CHECK(party->show(after.header));
    ATTESTD_TRY(const SecretBytes released, party->release());
    if (constant_time_equal(released.view(), key.view())) return {};
    return fail(Errc::mismatch, party->url() + " releases another key than before as " + party->resource());
  };
  if (auto done = shown(); !done) {
    return std::unexpected(std::move(done).error().in(
        "the new header is written and the broker accepts it, but also the one before until it has seen this one"));
  }
  return {};
}

std::vector<unsigned> keyslots_of_only(const luks::Header& header, const std::vector<unsigned>& tokens) {
  std::vector<unsigned> out;
  for (const luks::Keyslot& slot : header.keyslots) {
    bool by_these = false;
    bool by_others = false;
    for (const luks::Token& token : header.tokens) {
      if (contains(token.keyslots, slot.id)) (contains(tokens, token.id) ? by_these : by_others) = true;
    }
    if (by_these && !by_others) out.push_back(slot.id);
  }
  return out;
}

Result<void> check_rest(const luks::Header& header, const std::vector<unsigned>& gone, bool force) {
  std::size_t left = 0;
  std::size_t for_people = 0;
  bool one_of_people_goes = false;
  for (const luks::Keyslot& slot : header.keyslots) {
    const bool goes = std::ranges::find(gone, slot.id) != gone.end();
    const bool machines = is_machines(header, slot.id);
    if (goes) {
      one_of_people_goes = one_of_people_goes || !machines;
    } else {
      ++left;
      if (!machines) ++for_people;
    }
  }
  if (left == 0) return fail(Errc::refused, "that is the last keyslot: nothing would ever open the volume again");
  if (one_of_people_goes && for_people == 0 && !force) {
    return fail(Errc::refused, "only a broker or a TPM would open the volume then, and no passphrase: --force does it");
  }
  return {};
}

Result<void> remove_tokens(luks::HeaderEdit& edit, const luks::Header& header, const std::vector<unsigned>& tokens) {
  const std::vector<unsigned> keyslots = keyslots_of_only(header, tokens);
  for (const unsigned token : tokens) ATTESTD_CHECK(edit.remove_token(token));
  for (const unsigned keyslot : keyslots) ATTESTD_CHECK(edit.remove_keyslot(keyslot));
  return {};
}

Result<void> say(const std::string& sentence) { return print(printable(sentence) + "\n"); }

}  // namespace attestd
