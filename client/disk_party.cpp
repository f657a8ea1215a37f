#include "client/disk_party.h"

#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "client/http.h"
#include "client/source.h"
#include "evidence/json_internal.h"
#include "net/http_fetch.h"
#include "net/https_url.h"
#include "unlock/enrolment_token.h"
#include "unlock/settings.h"
#include "unlock/volume.h"

namespace attestd {
namespace {

constexpr std::size_t status_limit = std::size_t{1} << 20U;  // bytes
constexpr std::size_t token_file_limit = 4096;

// A hint, for the broker's log: our own bundles say themselves what they are.
kbs::Tee tee_at(const std::string& socket, std::chrono::milliseconds timeout) {
  const auto body =
      http_exchange({.socket = socket, .target = "/v1/status", .body = {}, .timeout = timeout, .limit = status_limit});
  if (!body) return kbs::Tee::snp;
  const auto status = parse_json(*body);
  if (!status || !status->is_object()) return kbs::Tee::snp;
  const auto* const platform = status->as_object().if_contains("platform");
  if (platform == nullptr || !platform->is_object()) return kbs::Tee::snp;
  const auto* const name = platform->as_object().if_contains("name");
  return name != nullptr && name->is_string() ? unlock::tee_of(std::string_view(name->as_string())) : kbs::Tee::snp;
}

Result<unlock::Attester> attester_at(const CommonOptions& common, const std::string& from) {
  ATTESTD_TRY(const Source source, parse_source(from));
  if (source.kind != Source::Kind::socket) {
    return fail(Errc::usage, "--from must be the agent's socket of this VM: what asks for a disk's key is this VM");
  }
  unlock::Attester out;
  out.tee = tee_at(source.target, common.timeout);
  out.bundle = [source, timeout = common.timeout](const Bytes& nonce, const UnlockClaim& claim) -> Result<std::string> {
    EvidenceRequest request{.nonce = nonce, .purpose = Purpose::unlock, .timeout = timeout};
    request.unlock = claim;
    auto evidence = fetch_evidence(source, request);
    if (!evidence) return std::unexpected(std::move(evidence).error().in(source_name(source)));
    return std::move(evidence->bundle);
  };
  out.raw_report = [](const FixedBytes<64>&) -> Result<Bundle> {
    return fail(Errc::usage, "the agent signs no data of others: evidence = \"trustee\" is for the initrd alone");
  };
  return out;
}

// The options win, then the volume's own word, then the settings, which are those of the root volume.
std::string resource_for(const DiskBrokerOptions& options, const unlock::Settings& settings,
                         const luks::Header& header) {
  if (!options.resource.empty()) return options.resource;
  const auto tokens = own_tokens(header, luks::UnlockMethod::broker);
  if (!tokens.empty()) return tokens.front().token.resource;
  return unlock::resource_of(settings, header.primary.uuid);
}

// What the VM boots by, where that may be this volume: the settings are for one, and a command line that names volumes
// says for which.
std::string resource_of_boot(const DiskBrokerOptions& options, const unlock::Settings& settings,
                             const std::string& uuid) {
  if (settings.url.empty() || settings.method != unlock::Method::broker ||
      settings.evidence != unlock::EvidenceForm::bundle) {
    return {};
  }
  const std::string text = unlock::text_of(options.command_line);
  const auto names = unlock::volume_names(text);
  const bool is_named = std::ranges::any_of(names, [&](const std::string& name) {
    const auto named = unlock::volume_uuid(name, text, {});
    return named && equal_in_either_case(*named, uuid);
  });
  return names.empty() || is_named ? unlock::resource_of(settings, uuid) : std::string();
}

// Where both are the same server.
bool is_of(const std::string& url, const HttpsServerName& server) {
  const auto other = parse_https_url(url, unlock::default_party_port);
  return other && https_url(*other) == https_url(server);
}

}  // namespace

std::vector<OwnToken> own_tokens(const luks::Header& header, luks::UnlockMethod method) {
  std::vector<OwnToken> out;
  for (const luks::Token& token : header.tokens) {
    if (token.type != luks::unlock_token_type) continue;
    auto ours = luks::parse_unlock_token(token.json);
    if (ours && ours->method == method) out.push_back({token.id, *std::move(ours)});
  }
  return out;
}

luks::Header header_without(const luks::Header& header, const std::vector<unsigned>& leaving) {
  luks::Header out = header;
  std::erase_if(out.tokens,
                [&](const luks::Token& token) { return std::ranges::find(leaving, token.id) != leaving.end(); });
  return own_tokens(out, luks::UnlockMethod::broker).empty() ? header : out;
}

Result<bool> has_party(const DiskBrokerOptions& options, const luks::Header& header) {
  if (!options.broker.empty() || !own_tokens(header, luks::UnlockMethod::broker).empty()) return true;
  ATTESTD_TRY(const unlock::Settings settings, unlock::load_settings(options.settings, options.command_line));
  return !settings.url.empty() && settings.method == unlock::Method::broker;
}

Result<DiskParty> DiskParty::open(const CommonOptions& common, const DiskBrokerOptions& options,
                                  const luks::Header& header) {
  ATTESTD_TRY(const unlock::Settings settings, unlock::load_settings(options.settings, options.command_line));
  const std::string url = options.broker.empty() ? settings.url : options.broker;
  if (url.empty()) {
    return fail(Errc::usage,
                "nothing says which broker keeps the key: --broker https://HOST, or url in " + options.settings);
  }
  ATTESTD_TRY(const HttpsServerName server, parse_https_url(url, unlock::default_party_port));
  unlock::PartyAddress address{.url = https_url(server),
                               .ca_file = options.ca_file.empty() ? settings.ca : options.ca_file,
                               .policy = options.policy.empty() ? settings.policy : options.policy};
  if (address.ca_file.empty()) {
    return fail(Errc::usage,
                "nothing says which certificate the broker has: --ca-file FILE, or ca in " + options.settings);
  }
  address.user_agent = "attestctl";
  const std::string resource = resource_for(options, settings, header);
  if (auto path = kbs::parse_resource_path("/kbs/v0/resource/" + resource); !path) {
    return std::unexpected(std::move(path).error().in("the resource " + resource));
  }
  ATTESTD_TRY(unlock::Attester attester, attester_at(common, options.from));
  std::string name = address.url;
  std::string of_boot =
      is_of(settings.url, server) ? resource_of_boot(options, settings, header.primary.uuid) : std::string();
  return DiskParty(unlock::RelyingParty(std::move(address), std::move(attester), http_fetch), std::move(name), resource,
                   std::move(of_boot));
}

Result<void> DiskParty::attest(const luks::Header& header) {
  return party_.attest(UnlockClaim::Volume{header.primary.uuid, to_bytes(ByteView(header.canonical_digest)), {}});
}

bool DiskParty::knows(const std::string& resource) const {
  return resource == resource_ || std::ranges::find(others_, resource, &Other::resource) != others_.end();
}

// One that may be another volume's, or none at all: the answer to an announcement tells that from a party in trouble,
// for releases have one kind of error for both.
Result<void> DiskParty::find_optional(const std::string& resource, const luks::Header& header) {
  if (resource.empty() || knows(resource)) return {};
  auto key = party_.release(resource);
  if (key) {
    others_.push_back({resource, *std::move(key)});
    return {};
  }
  const auto told = party_.announce_header(resource, header.canonical_digest);
  if (!told && (told.error().code == Errc::refused || told.error().code == Errc::not_found)) return {};
  return std::unexpected(std::move(key).error());
}

Result<void> DiskParty::find_others(const luks::Header& header, const std::vector<unsigned>& leaving) {
  others_.clear();
  const auto goes = [&](const OwnToken& own) { return std::ranges::find(leaving, own.id) != leaving.end(); };
  const auto tokens = own_tokens(header, luks::UnlockMethod::broker);
  for (const OwnToken& own : tokens) {
    if (goes(own) || knows(own.token.resource)) continue;
    auto key = party_.release(own.token.resource);
    if (!key) {
      const std::string id = std::to_string(own.id);
      key.error().code = unlock::may_pass(key.error()) ? Errc::unavailable : Errc::refused;
      key.error().message += "; token " + id +
                             " of the volume is for that, and who keeps its key is to know of a new " +
                             "header before it is written: where nobody does, attestctl disk remove --token " + id;
      return std::unexpected(std::move(key).error());
    }
    others_.push_back({own.token.resource, *std::move(key)});
  }
  ATTESTD_CHECK(find_optional(of_boot_, header));
  for (const OwnToken& own : tokens) {
    if (goes(own)) ATTESTD_CHECK(find_optional(own.token.resource, header));
  }
  return {};
}

Result<void> DiskParty::announce(const luks::Header& next) {
  ATTESTD_CHECK(party_.announce_header(resource_, next.canonical_digest));
  for (const Other& other : others_) {
    ATTESTD_CHECK(party_.announce_header(other.resource, next.canonical_digest));
  }
  return {};
}

Result<void> DiskParty::show(const luks::Header& header) {
  ATTESTD_CHECK(attest(header));
  for (const Other& other : others_) {
    ATTESTD_TRY(const SecretBytes now, party_.release(other.resource));
    if (!constant_time_equal(now.view(), other.key.view())) {
      return fail(Errc::mismatch, url_ + " releases another key than before as " + other.resource);
    }
  }
  return {};
}

Result<std::string> read_token(const std::string& path) {
  ATTESTD_TRY(const Bytes bytes, read_file(path == "-" ? "/dev/stdin" : path, token_file_limit));
  auto token = unlock::parse_enrolment_token(as_text(bytes));
  if (!token) return std::unexpected(std::move(token).error().in(path));
  return token;
}

}  // namespace attestd
