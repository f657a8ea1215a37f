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

namespace attestd {
namespace {

constexpr std::string_view unix_scheme = "unix:";
constexpr std::string_view file_scheme = "file:";
constexpr std::string_view exec_scheme = "exec:";
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

}  // namespace

Result<Source> parse_source(std::string_view text) {
  if (text.empty()) {
    std::string path = socket_by_default();
    if (path.starts_with(unix_scheme)) path.erase(0, unix_scheme.size());
    return Source{Source::Kind::socket, std::move(path)};
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
  if (text.starts_with("https:") || text.starts_with("http:")) {
    return fail(Errc::usage,
                "evidence over HTTPS is not there yet: use unix:PATH, file:PATH or exec:COMMAND "
                "(the command may fetch " +
                    path + ")");
  }
  if (has_scheme(text)) {
    return fail(Errc::usage, "no source is named \"" + path + "\": use unix:PATH, file:PATH or exec:COMMAND");
  }
  return fail_errno(saved, "cannot find the source " + path);
}

std::string source_name(const Source& source) {
  switch (source.kind) {
    case Source::Kind::socket: return std::string(unix_scheme) + source.target;
    case Source::Kind::file: return std::string(file_scheme) + source.target;
    case Source::Kind::command: return std::string(exec_scheme) + source.target;
  }
  return source.target;
}

Result<std::string> agent_socket(std::string_view named) {
  if (named.empty()) named = {};
  if (named.starts_with(unix_scheme)) named.remove_prefix(unix_scheme.size());
  if (named.empty()) return parse_source({}).value().target;
  return std::string(named);
}

Result<std::string> fetch_evidence(const Source& source, const EvidenceRequest& request) {
  switch (source.kind) {
    case Source::Kind::file: {
      ATTESTD_TRY(const Bytes bytes, read_input(source.target, bundle_max_size));
      return std::string(as_text(bytes));
    }
    case Source::Kind::command:
      if (request.cached)
        return fail(Errc::usage, "--cached is for an agent, not for a command: leave out one of them");
      return command_output({.command = source.target,
                             .environment = {{"ATTESTD_NONCE", to_hex(request.nonce)},
                                             {"ATTESTD_NONCE_BASE64URL", to_base64url(request.nonce)},
                                             {"ATTESTD_PURPOSE", std::string(purpose_name(request.purpose))},
                                             {"ATTESTD_CREDENTIAL", credential_text(request.credential)}},
                             .timeout = request.timeout,
                             .limit = bundle_max_size});
    case Source::Kind::socket: break;
  }
  if (request.cached) {
    return http_exchange({.socket = source.target,
                          .target = evidence_path,
                          .body = {},
                          .timeout = request.timeout,
                          .limit = bundle_max_size});
  }
  boost::json::object body{{"nonce", to_base64url(request.nonce)}, {"purpose", purpose_name(request.purpose)}};
  if (request.credential) {
    body["activation"] = boost::json::object{{"credential_blob", to_base64url(request.credential->blob)},
                                             {"secret", to_base64url(request.credential->encrypted_secret)}};
  }
  return http_exchange({.socket = source.target,
                        .target = evidence_path,
                        .body = boost::json::serialize(body),
                        .timeout = request.timeout,
                        .limit = bundle_max_size});
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
