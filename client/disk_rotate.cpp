// attestctl disk rotate: a new key, made in the VM. Each step leaves a volume that opens by what the broker has, and
// what was interrupted is told from the header: of two tokens for the resource, the one that the broker's key opens
// counts, and the other is a rest.
#include <algorithm>

#include "client/disk_change.h"
#include "client/disk_vtpm.h"

namespace attestd {
namespace {

constexpr std::size_t key_size = 32;  // bytes, as the broker's own

// What the volume's tokens for the resource say.
struct Generations {
  OwnToken current;             // whose keyslot the broker's key opens
  unsigned keyslot = 0;         // that one
  std::vector<OwnToken> rests;  // of a rotation that was interrupted, or of a key that the broker has no more
};

// The broker has the new key already, and the old one's token is still there.
bool is_interrupted(const Generations& found) {
  return !found.rests.empty() && std::ranges::all_of(found.rests, [&](const OwnToken& rest) {
    return rest.token.generation < found.current.token.generation;
  });
}

Result<Generations> sort_tokens(const luks::DeviceHeader& header, const DiskParty& party, const SecretBytes& key) {
  ATTESTD_TRY(const luks::HeaderEdit copy, luks::HeaderEdit::begin(header));
  Generations out;
  bool found = false;
  for (const OwnToken& own : own_tokens(header.header, luks::UnlockMethod::broker)) {
    if (own.token.resource != party.resource()) continue;
    std::optional<unsigned> opened;
    for (const unsigned keyslot : own.token.keyslots) {
      if (opened) break;
      ATTESTD_TRY(opened, copy.opened_by(key, keyslot));
    }
    if (opened && !found) {
      out.current = own;
      out.keyslot = *opened;
      found = true;
    } else {
      out.rests.push_back(own);
    }
  }
  if (found) return out;
  return fail(Errc::mismatch, "no token of the volume is for the key that " + party.url() + " keeps as " +
                                  party.resource() + ": attestctl disk enroll makes one");
}

// Of a token that lists several keyslots, others may be for people: who opens one is not known, and so they stay.
Result<void> remove_rest(luks::HeaderEdit& edit, const luks::Header& header, const std::vector<OwnToken>& rests) {
  std::vector<unsigned> tokens;
  for (const OwnToken& rest : rests) tokens.push_back(rest.id);
  std::vector<unsigned> keyslots = keyslots_of_only(header, tokens);
  std::string kept;
  for (const OwnToken& rest : rests) {
    if (rest.token.keyslots.size() == 1) continue;
    for (const unsigned keyslot : rest.token.keyslots) {
      if (std::erase(keyslots, keyslot) != 0) kept += (kept.empty() ? "" : ", ") + std::to_string(keyslot);
    }
  }
  ATTESTD_CHECK(check_rest(header, keyslots, false));
  for (const unsigned token : tokens) ATTESTD_CHECK(edit.remove_token(token));
  for (const unsigned keyslot : keyslots) ATTESTD_CHECK(edit.remove_keyslot(keyslot));
  if (kept.empty()) return {};
  return say("an old token had several keyslots, of which some may be for people; left as they are: " + kept);
}

// The rests of an interruption go. The header afterwards.
Result<luks::DeviceHeader> clean(const std::string& device, luks::DeviceHeader header, const Generations& found,
                                 DiskParty& party, const SecretBytes& key) {
  if (found.rests.empty()) return header;
  ATTESTD_TRY(luks::HeaderEdit edit, luks::HeaderEdit::begin(header));
  ATTESTD_CHECK(remove_rest(edit, header.header, found.rests));
  ATTESTD_TRY(luks::DeviceHeader after, judged_result(edit));
  ATTESTD_CHECK(change_header(device, header, after, &party, key));
  return after;
}

// A keyslot more, for the new key. The token of today is then for the keyslot of its key alone, which goes with it.
Result<luks::DeviceHeader> add_next(const std::string& device, const luks::DeviceHeader& header,
                                    const Generations& found, DiskParty& party, const SecretBytes& key,
                                    const SecretBytes& next) {
  ATTESTD_TRY(luks::HeaderEdit edit, luks::HeaderEdit::begin(header));
  luks::UnlockToken token = found.current.token;
  if (token.keyslots.size() > 1) {
    token.keyslots = {found.keyslot};
    ATTESTD_TRY(const std::string narrowed, luks::encode_unlock_token(token));
    ATTESTD_CHECK(edit.replace_token(found.current.id, narrowed));
  }
  ATTESTD_TRY(const unsigned keyslot, edit.add_keyslot(key, next));
  token.keyslots = {keyslot};
  ++token.generation;
  ATTESTD_TRY(const std::string json, luks::encode_unlock_token(token));
  ATTESTD_CHECK(edit.add_token(json));
  ATTESTD_TRY(luks::DeviceHeader after, judged_result(edit));
  ATTESTD_CHECK(change_header(device, header, after, &party, key));
  return after;
}

// Whether the broker has the new key now: what it releases tells, also when its answer to the rotation was lost.
Result<void> send(DiskParty& party, const std::string& token, const SecretBytes& next, const luks::Header& header) {
  const auto sent = party.rotate(token, next);
  if (!sent) ATTESTD_CHECK(party.attest(header));
  ATTESTD_TRY(const SecretBytes now, party.release());
  if (constant_time_equal(now.view(), next.view())) return {};
  if (sent) return fail(Errc::mismatch, party.url() + " took the new key and releases another");
  return std::unexpected(sent.error());
}

// The broker's word: the new keyslot is of no use.
Result<void> take_back(const std::string& device, const luks::DeviceHeader& header, DiskParty& party,
                       const SecretBytes& key) {
  ATTESTD_TRY(const Generations found, sort_tokens(header, party, key));
  ATTESTD_CHECK(clean(device, header, found, party, key));
  return {};
}

Result<int> rotate_at_broker(const CommonOptions& common, const DiskRotateOptions& options) {
  ATTESTD_TRY(luks::DeviceHeader header, judged_header(options.device));
  ATTESTD_TRY(DiskParty party, DiskParty::open(common, options.broker, header.header));
  ATTESTD_CHECK(party.attest(header.header));
  ATTESTD_TRY(const SecretBytes key, party.release());
  ATTESTD_CHECK(party.find_others(header.header));
  ATTESTD_TRY(const Generations found, sort_tokens(header, party, key));
  const bool finishes = is_interrupted(found);
  if (options.dry_run) {
    ATTESTD_CHECK(say(finishes ? "would finish an interrupted rotation: remove the old key's keyslot"
                               : "would give " + options.device + " a new key, and " + party.url() + " too"));
    return 0;
  }
  ATTESTD_TRY(header, clean(options.device, std::move(header), found, party, key));
  if (finishes) {
    ATTESTD_CHECK(
        say("an interrupted rotation is finished: generation " + std::to_string(found.current.token.generation)));
    return 0;
  }
  if (options.token_file.empty()) {
    return fail(Errc::usage, "a new key takes a token: attest-broker enrolment token " + party.resource() +
                                 " --rotate, then --token-file FILE");
  }
  ATTESTD_TRY(const std::string token, read_token(options.token_file));
  ATTESTD_TRY(const SecretBytes next, SecretBytes::random(key_size));
  ATTESTD_TRY(header, add_next(options.device, header, found, party, key, next));
  if (auto sent = send(party, token, next, header.header); !sent) {
    if (sent.error().code == Errc::refused) ATTESTD_CHECK(take_back(options.device, header, party, key));
    sent.error().message += "; the volume opens as before";
    return std::unexpected(std::move(sent).error());
  }
  ATTESTD_TRY(const Generations after, sort_tokens(header, party, next));
  ATTESTD_TRY(header, clean(options.device, std::move(header), after, party, next));
  ATTESTD_CHECK(say(options.device + " has a new key, and " + party.url() + " keeps it as " + party.resource() +
                    ": generation " + std::to_string(after.current.token.generation)));
  return 0;
}

}  // namespace

Result<int> run_disk_rotate(const CommonOptions& common, const DiskRotateOptions& options) {
  ATTESTD_CHECK(require_effect(options.method, options.vtpm, options.token_file));
  if (options.method == "broker") {
    // Its own key opens the volume.
    if (!options.key_file.empty()) return fail(Errc::usage, "--key-file goes with --method vtpm");
    return rotate_at_broker(common, options);
  }
  ATTESTD_TRY(const luks::DeviceHeader before, judged_header(options.device));
  std::vector<unsigned> old;
  const std::vector<OwnToken> tokens = own_tokens(before.header, luks::UnlockMethod::vtpm);
  for (const OwnToken& own : tokens) old.push_back(own.id);
  if (old.empty()) {
    return fail(Errc::not_found,
                options.device + " has no token of a TPM: attestctl disk enroll --method vtpm makes one");
  }
  VtpmChange change{options.device, options.broker, options.key_file, options.vtpm, options.dry_run};
  ATTESTD_TRY(change.vtpm, sealed_as_before(std::move(change.vtpm), tokens));
  return enroll_in_vtpm(common, change, before, old);
}

}  // namespace attestd
