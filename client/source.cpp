#include "client/source.h"

#include <sys/stat.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstdlib>

#include "base/encoding.h"
#include "base/file.h"
#include "base/random.h"
#include "client/activation.h"
#include "client/http.h"
#include "client/input.h"
#include "client/subprocess.h"
#include "net/https_url.h"
#include "verifier/appraise.h"

namespace attestd {
namespace {

constexpr std::string_view unix_scheme = "unix:";
constexpr std::string_view file_scheme = "file:";
constexpr std::string_view exec_scheme = "exec:";
constexpr std::string_view https_scheme = "https:";
constexpr const char* evidence_path = "/v1/evidence";

// A scheme of RFC 3986 section 3.1 before a colon, longer than one letter.
bool has_scheme(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon < 2) return false;
  return text.substr(0, colon).find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-") ==
         std::string_view::npos;
}

std::string socket_by_default() {
  const char* const named = std::getenv("ATTESTD_SOCKET");  // NOLINT(concurrency-mt-unsafe): one thread
  return named != nullptr && *named != '\0' ? named : std::string(default_agent_socket);
}

boost::json::object unlock_json(const UnlockClaim& claim) {
  boost::json::object out{{"jkt", to_base64url(claim.key_thumbprint)}};
  if (claim.volume) {
    boost::json::object volume{{"uuid", claim.volume->uuid},
                               {"header_sha256", to_base64url(claim.volume->header_sha256)}};
    if (claim.volume->counter) volume["counter"] = *claim.volume->counter;
    out["volume"] = std::move(volume);
  }
  return out;
}

// Empty: GET.
std::string request_body(const EvidenceRequest& request) {
  if (request.cached) return {};
  boost::json::object body{{"nonce", to_base64url(request.nonce)}, {"purpose", purpose_name(request.purpose)}};
  if (request.credential) {
    body["activation"] = boost::json::object{{"credential_blob", to_base64url(request.credential->blob)},
                                             {"secret", to_base64url(request.credential->encrypted_secret)}};
  }
  if (request.unlock) body["unlock"] = unlock_json(*request.unlock);
  return boost::json::serialize(body);
}

Result<FetchedEvidence> fetch_over_https(const Source& source, const EvidenceRequest& request) {
  using std::chrono::steady_clock, std::chrono::milliseconds;
  const auto deadline = steady_clock::now() + request.timeout;
  const std::vector<std::string> servers = source.servers.empty() ? std::vector<std::string>{""} : source.servers;
  std::string complaints;
  for (std::size_t i = 0;; ++i) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    auto answer = https_exchange({.server = source.target,
                                  .connect_to = servers[i],
                                  .target = evidence_path,
                                  .body = request_body(request),
                                  .ca_file = request.https.ca_file,
                                  .proxy = request.https.proxy,
                                  .timeout = left,
                                  .connect_timeout = request.https.connect_timeout,
                                  .limit = bundle_max_size});
    if (answer) {
      FetchedEvidence out{std::move(answer->body)};
      if (!request.cached) out.channel = {std::move(answer->channel.spki_sha256), std::move(answer->channel.exporter)};
      return out;
    }
    Error error = std::move(answer).error();
    if (!servers[i].empty()) error = std::move(error).in("by " + servers[i]);
    complaints += (complaints.empty() ? "" : "; ") + error.message;
    const bool next = error.code == Errc::unavailable || error.code == Errc::timed_out;
    if (!next || i + 1 == servers.size() || steady_clock::now() >= deadline) {
      error.message = std::move(complaints);
      return std::unexpected(std::move(error));
    }
  }
}

}  // namespace

Result<Source> parse_source(std::string_view text) {
  if (text.empty()) {
    std::string path = socket_by_default();
    if (path.starts_with(unix_scheme)) path.erase(0, unix_scheme.size());
    return Source{Source::Kind::socket, std::move(path)};
  }
  if (text.starts_with(https_scheme)) {
    ATTESTD_TRY(const HttpsServerName server, parse_https_url(std::string(text), default_gateway_port));
    return Source{Source::Kind::https, https_url(server)};
  }
  for (const auto& [scheme, kind] :
       {std::pair{unix_scheme, Source::Kind::socket}, std::pair{file_scheme, Source::Kind::file},
        std::pair{exec_scheme, Source::Kind::command}}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    if (text.empty()) return fail(Errc::usage, std::string(scheme) + " must be followed by a path or a command");
    return Source{kind, std::string(text)};
  }
  const std::string path(text);
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISSOCK(status.st_mode)) return Source{Source::Kind::socket, path};
    if (S_ISDIR(status.st_mode)) return fail(Errc::usage, path + " is a folder: name a socket or a bundle");
    return Source{Source::Kind::file, path};
  }
  const int saved = errno;
  if (has_scheme(text)) {
    return fail(Errc::usage,
                "no source is named \"" + path + "\": use https://HOST, unix:PATH, file:PATH or exec:COMMAND");
  }
  return fail_errno(saved, "cannot find the source " + path);
}

std::string source_name(const Source& source) {
  switch (source.kind) {
    case Source::Kind::socket: return std::string(unix_scheme) + source.target;
    case Source::Kind::file: return std::string(file_scheme) + source.target;
    case Source::Kind::command: return std::string(exec_scheme) + source.target;
    case Source::Kind::https: return source.target;
  }
  return source.target;
}

Result<std::string> agent_socket(std::string_view named) {
  if (named.starts_with(https_scheme)) {
    ATTESTD_TRY(const HttpsServerName server, parse_https_url(std::string(named), default_gateway_port));
    return fail(Errc::usage,
                "this asks the agent's own socket, not the network: what a gateway says of itself, which "
                "proves nothing, shows curl -k " +
                    https_url(server) + "/v1/status");
  }
  if (named.starts_with(unix_scheme)) named.remove_prefix(unix_scheme.size());
  if (named.empty()) return parse_source({}).value().target;
  return std::string(named);
}

Result<FetchedEvidence> fetch_evidence(const Source& source, const EvidenceRequest& request) {
  FetchedEvidence out;
  switch (source.kind) {
    case Source::Kind::file: {
      ATTESTD_TRY(const Bytes bytes, read_input(source.target, bundle_max_size));
      out.bundle = as_text(bytes);
      return out;
    }
    case Source::Kind::command: {
      if (request.cached)
        return fail(Errc::usage, "--cached is for an agent, not for a command: leave out one of them");
      ATTESTD_TRY(out.bundle,
                  command_output({.command = source.target,
                                  .environment = {{"ATTESTD_NONCE", to_hex(request.nonce)},
                                                  {"ATTESTD_NONCE_BASE64URL", to_base64url(request.nonce)},
                                                  {"ATTESTD_PURPOSE", std::string(purpose_name(request.purpose))},
                                                  {"ATTESTD_CREDENTIAL", credential_text(request.credential)}},
                                  .timeout = request.timeout,
                                  .limit = bundle_max_size}));
      return out;
    }
    case Source::Kind::socket: {
      ATTESTD_TRY(out.bundle, http_exchange({.socket = source.target,
                                             .target = evidence_path,
                                             .body = request_body(request),
                                             .timeout = request.timeout,
                                             .limit = bundle_max_size}));
      return out;
    }
    case Source::Kind::https: return fetch_over_https(source, request);
  }
  return fail(Errc::internal, "a source of no kind");
}

Result<void> require_own_channel(const FetchedEvidence& evidence, const Bundle& bundle) {
  if (!evidence.channel) return {};
  ATTESTD_TRY(const Statement statement, parse_statement(bundle.statement));
  if (const auto why = foreign_channel(statement, *evidence.channel)) return fail(Errc::mismatch, *why);
  return {};
}

Result<Bytes> fresh_nonce() {
  constexpr std::size_t size = 32;
  return random_bytes(size);
}

Result<Bytes> parse_nonce(std::string_view hex) {
  auto nonce = from_hex(hex);
  if (!nonce) return fail(Errc::usage, "--nonce must be hexadecimal: " + nonce.error().text());
  if (nonce->size() < nonce_min_size || nonce->size() > nonce_max_size) {
    return fail(Errc::usage, "--nonce has " + std::to_string(nonce->size()) + " bytes and must have " +
                                 std::to_string(nonce_min_size) + " to " + std::to_string(nonce_max_size));
  }
  return nonce;
}

}  // namespace attestd
