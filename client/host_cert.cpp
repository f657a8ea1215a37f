// OpenSSH host certificates from a relying party, for the host keys of this VM. The broker
// verifies evidence and signs what it vouches for; nothing here is secret.
#include <algorithm>
#include <boost/json/serialize.hpp>
#include <ctime>
#include <filesystem>

#include "base/encoding.h"
#include "base/regular_file.h"
#include "base/text.h"
#include "client/commands.h"
#include "client/http.h"
#include "client/subprocess.h"
#include "evidence/json_internal.h"
#include "evidence/ssh_certificate.h"
#include "net/https_url.h"
#include "unlock/relying_party.h"

namespace attestd {
namespace json = boost::json;
namespace {

constexpr std::size_t command_output_limit = std::size_t{64} << 10U;  // bytes
constexpr std::size_t answer_limit = std::size_t{1} << 20U;           // bytes
constexpr std::size_t key_file_limit = std::size_t{64} << 10U;
constexpr std::size_t certificates_limit = 64;
constexpr std::size_t challenge_limit = 4096;  // characters
constexpr unsigned certificate_mode = 0644;

struct HostKeyFile {
  std::string path;  // of the certificate: "/etc/ssh/ssh_host_ed25519_key-cert.pub"
  SshPublicKey key;
};

// ssh_host_*_key.pub of a folder, sorted by name.
Result<std::vector<HostKeyFile>> host_keys_of(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("ssh_host_") && name.ends_with("_key.pub")) names.push_back(name);
  }
  if (error) return fail(Errc::not_found, "cannot read the folder of host keys " + folder + ": " + error.message());
  std::ranges::sort(names);
  std::vector<HostKeyFile> out;
  for (const std::string& name : names) {
    const std::string path = folder + "/" + name;
    ATTESTD_TRY(const Bytes bytes, read_regular_file(path, key_file_limit));
    auto key = parse_ssh_public_key(as_text(bytes));
    if (!key) return std::unexpected(std::move(key).error().in(path));
    const std::string_view stem = std::string_view(path).substr(0, path.size() - std::string_view(".pub").size());
    out.push_back({std::string(stem) + "-cert.pub", *std::move(key)});
  }
  if (out.empty()) return fail(Errc::not_found, folder + " has no ssh_host_*_key.pub: name another with --folder");
  return out;
}

Result<SshHostCertificate> read_certificate(const std::string& path) {
  ATTESTD_TRY(const Bytes bytes, read_regular_file(path, key_file_limit));
  ATTESTD_TRY(const SshPublicKey blob, parse_ssh_public_key(as_text(bytes)));
  return parse_ssh_host_certificate(blob);
}

// What the certificate there is good for: seconds from `now` on, or nothing when it is not what is asked for.
std::int64_t remaining(const HostKeyFile& file, const HostCertOptions& options,
                       const std::optional<SshPublicKey>& authority, std::int64_t now) {
  const auto there = read_certificate(file.path);
  if (!there || there->key != file.key || there->valid_after > now) return 0;
  if (authority && there->authority != *authority) return 0;
  const bool named = std::ranges::all_of(options.principals, [&](const std::string& name) {
    return std::ranges::find(there->principals, name) != there->principals.end();
  });
  return named ? there->valid_before - now : 0;
}

Result<std::optional<SshPublicKey>> read_authority(const HostCertOptions& options) {
  if (options.authority.empty()) return std::optional<SshPublicKey>();
  ATTESTD_TRY(const Bytes bytes, read_regular_file(options.authority, key_file_limit));
  auto key = parse_ssh_public_key(as_text(bytes));
  if (!key) return std::unexpected(std::move(key).error().in(options.authority));
  return std::optional(*std::move(key));
}

struct Issuer {
  const CommonOptions& common;
  std::string server;

  [[nodiscard]] Result<std::string> ask(const std::string& target, std::string body) const {
    return certified_exchange({.server = server,
                               .connect_to = {},
                               .target = target,
                               .body = std::move(body),
                               .ca_file = common.https.ca_file,
                               .proxy = common.https.proxy,
                               .timeout = common.timeout,
                               .connect_timeout = common.https.connect_timeout,
                               .limit = answer_limit});
  }
};

Result<JsonMembers> members_of(const json::value& value, const std::string& who) {
  auto members = JsonMembers::of(value, "the answer");
  if (!members) return std::unexpected(std::move(members).error().in(who));
  return members;
}

// The lines of certificates that the broker signed for the evidence.
Result<std::vector<std::string>> request_certificates(const Issuer& issuer, const HostCertOptions& options) {
  ATTESTD_TRY(const Source source, parse_source(options.from));
  if (source.kind != Source::Kind::socket && source.kind != Source::Kind::command) {
    return fail(Errc::usage, "--from must be the agent of this VM: a socket, or a command that asks it");
  }
  ATTESTD_TRY(const std::string challenged, issuer.ask("/v1/challenge", "{}"));
  ATTESTD_TRY(const json::value challenge_value, parse_json(challenged));
  ATTESTD_TRY(const JsonMembers challenge, members_of(challenge_value, issuer.server));
  ATTESTD_TRY(const Bytes nonce, challenge.bytes("nonce", nonce_min_size, nonce_max_size));
  ATTESTD_TRY(const std::string token, challenge.string("challenge"));
  if (token.size() > challenge_limit) return fail(Errc::malformed, issuer.server + " sent too long a challenge");
  ATTESTD_TRY(const FetchedEvidence evidence,
              fetch_evidence(source, {.nonce = nonce, .purpose = Purpose::host, .timeout = issuer.common.timeout}));
  ATTESTD_TRY(json::value bundle, parse_json(evidence.bundle));
  json::array principals;
  for (const std::string& name : options.principals) principals.emplace_back(name);
  const json::object body{{"challenge", token}, {"evidence", std::move(bundle)}, {"principals", std::move(principals)}};
  ATTESTD_TRY(const std::string answered, issuer.ask("/v1/ssh-host-certificates", json::serialize(body)));
  ATTESTD_TRY(const json::value answer_value, parse_json(answered));
  ATTESTD_TRY(const JsonMembers answer, members_of(answer_value, issuer.server));
  return answer.strings("certificates", certificates_limit);
}

struct Issued {
  std::string line;
  SshHostCertificate certificate;
};

// Each is what it claims to be, or nothing is written.
Result<std::vector<Issued>> check_all(const std::vector<std::string>& lines, const HostCertOptions& options,
                                      const std::optional<SshPublicKey>& authority, std::int64_t now) {
  std::vector<Issued> out;
  for (const std::string& line : lines) {
    ATTESTD_TRY(const SshPublicKey blob, parse_ssh_public_key(line));
    auto certificate = parse_ssh_host_certificate(blob);
    if (!certificate) return std::unexpected(std::move(certificate).error().in("a certificate that the broker sent"));
    if (authority && certificate->authority != *authority) {
      return fail(Errc::refused, "the broker's certificate is signed by " + certificate->authority.fingerprint() +
                                     ", not by the key in " + options.authority);
    }
    if (certificate->valid_before <= now) {
      return fail(Errc::expired, "the broker's certificate ended at " + to_rfc3339(certificate->valid_before) +
                                     ": is the clock of this VM right?");
    }
    out.push_back({line + "\n", *std::move(certificate)});
  }
  return out;
}

}  // namespace

Result<int> run_host_cert(const CommonOptions& common, const HostCertOptions& options) {
  ATTESTD_TRY(const HttpsServerName server, parse_https_url(options.broker, unlock::default_party_port));
  const Issuer issuer{common, https_url(server)};
  for (const std::string& name : options.principals) {
    if (!is_ssh_principal(name)) return fail(Errc::usage, "--principal " + name + " is no host name or address");
  }
  ATTESTD_TRY(const std::vector<HostKeyFile> files, host_keys_of(options.folder));
  const auto now = static_cast<std::int64_t>(std::time(nullptr));
  const auto margin = static_cast<std::int64_t>(options.renew_before_s);
  ATTESTD_TRY(const std::optional<SshPublicKey> authority, read_authority(options));
  const auto lasts = [&](const HostKeyFile& file) { return remaining(file, options, authority, now) > margin; };
  if (margin > 0 && std::ranges::all_of(files, lasts)) {
    ATTESTD_CHECK(print("every certificate lasts long enough: nothing to do\n"));
    return 0;
  }
  ATTESTD_TRY(const std::vector<std::string> lines, request_certificates(issuer, options));
  ATTESTD_TRY(const std::vector<Issued> issued, check_all(lines, options, authority, now));
  std::size_t written = 0;
  for (const HostKeyFile& file : files) {
    const auto mine = std::ranges::find_if(issued, [&](const Issued& one) { return one.certificate.key == file.key; });
    if (mine == issued.end()) continue;
    ATTESTD_CHECK(replace_file(file.path, as_bytes(mine->line), certificate_mode));
    ++written;
    const SshHostCertificate& certificate = mine->certificate;
    ATTESTD_CHECK(print(file.path + ": for " + joined(certificate.principals) + ", until " +
                        to_rfc3339(certificate.valid_before) + ", by " + certificate.authority.fingerprint() + "\n"));
  }
  if (written == 0) {
    return fail(Errc::mismatch, "the broker certified no key of " + options.folder +
                                    ": does sshd of the VM that was asked use the keys of another folder?");
  }
  if (options.on_change.empty()) return 0;
  const auto told = command_output({.command = options.on_change, .environment = {}, .limit = command_output_limit});
  if (!told) {
    return fail(told.error().code,
                "the certificates are written, but the command of --on-change failed: " + told.error().text());
  }
  ATTESTD_CHECK(print(printable_lines(*told)));
  return 0;
}

}  // namespace attestd
