// attestctl disk remove: a token, and the keyslot that was for it alone.
#include <algorithm>

#include "client/disk_vtpm.h"

namespace attestd {
namespace {

Result<std::vector<unsigned>> chosen(const DiskRemoveOptions& options, const luks::Header& header) {
  std::vector<unsigned> out;
  if (options.token) {
    if (std::ranges::find(header.tokens, *options.token, &luks::Token::id) == header.tokens.end()) {
      return fail(Errc::not_found, options.device + " has no token " + std::to_string(*options.token));
    }
    out.push_back(*options.token);
    return out;
  }
  const auto method = options.method == "vtpm" ? luks::UnlockMethod::vtpm : luks::UnlockMethod::broker;
  for (const OwnToken& own : own_tokens(header, method)) out.push_back(own.id);
  if (out.empty()) {
    return fail(Errc::not_found, options.device + " has no token of attestd's for method " + options.method);
  }
  return out;
}

}  // namespace

Result<int> run_disk_remove(const CommonOptions& common, const DiskRemoveOptions& options) {
  if (options.token.has_value() == !options.method.empty()) {
    return fail(Errc::usage, "what is to go: --method broker, --method vtpm, or --token NUMBER");
  }
  ATTESTD_TRY(const luks::DeviceHeader before, judged_header(options.device));
  ATTESTD_TRY(const std::vector<unsigned> tokens, chosen(options, before.header));
  const std::vector<unsigned> keyslots = keyslots_of_only(before.header, tokens);
  ATTESTD_CHECK(check_rest(before.header, keyslots, options.force));
  std::string what;
  for (const unsigned token : tokens) what += (what.empty() ? "token " : ", token ") + std::to_string(token);
  for (const unsigned keyslot : keyslots) what += ", keyslot " + std::to_string(keyslot);
  if (options.dry_run) {
    ATTESTD_CHECK(say("would remove " + what));
    return 0;
  }
  PartyAndKey known;
  if (!options.offline) {
    auto party = party_of(common, options.broker, before, tokens);
    if (!party) {
      party.error().message += " (--offline writes it all the same)";
      return std::unexpected(std::move(party).error());
    }
    known = *std::move(party);
  }
  ATTESTD_TRY(luks::HeaderEdit edit, luks::HeaderEdit::begin(before));
  ATTESTD_CHECK(remove_tokens(edit, before.header, tokens));
  ATTESTD_TRY(const luks::DeviceHeader after, judged_result(edit));
  ATTESTD_CHECK(change_header(options.device, before, after, known.get(), known.key));
  ATTESTD_CHECK(say("removed from " + options.device + ": " + what));
  return 0;
}

}  // namespace attestd
