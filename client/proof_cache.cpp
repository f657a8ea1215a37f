#include "client/proof_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <limits>

#include "base/encoding.h"
#include "base/file.h"
#include "evidence/channel_json_internal.h"
#include "evidence/digest.h"
#include "verifier/credential.h"

namespace attestd {
namespace {

constexpr std::int64_t version = 1;
constexpr std::chrono::hours longest{24};
constexpr std::string_view suffix = ".proof";

bool is_our_folder(const std::string& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && only_we_may_write(status);
}

// NAME.proof, or NAME.proof.XXXXXX that a crash left half written, with the digest for NAME.
bool is_proof(const std::string& name) {
  constexpr std::size_t digits = 64;
  constexpr std::size_t random = std::string_view(".XXXXXX").size();
  return name.find_first_not_of("0123456789abcdef") == digits && name.substr(digits).starts_with(suffix) &&
         (name.size() == digits + suffix.size() || name.size() == digits + suffix.size() + random);
}

void remove_old(const std::string& folder) {
  std::error_code error;
  const auto now = std::filesystem::file_time_type::clock::now();
  for (std::filesystem::directory_iterator entries(folder, error), end; !error && entries != end;
       entries.increment(error)) {
    std::error_code ignored;
    if (!is_proof(entries->path().filename().string()) || !entries->is_regular_file(ignored)) continue;
    const auto written = entries->last_write_time(ignored);
    if (!ignored && now - written > longest) std::filesystem::remove(entries->path(), ignored);
  }
}

}  // namespace

std::string encode_proof(const Proof& proof) {
  boost::json::object out{{"version", version},
                          {"fetched_at", proof.fetched_at},
                          {"nonce", to_base64url(proof.nonce)},
                          {"bundle", proof.evidence.bundle}};
  if (proof.evidence.channel) out["channel"] = channel_to_json(*proof.evidence.channel);
  if (proof.evidence.activation_seed) out["activation_seed"] = to_base64url(*proof.evidence.activation_seed);
  return boost::json::serialize(out);
}

Result<Proof> parse_proof(std::string_view json) {
  ATTESTD_TRY(const auto value, parse_json(json));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(value, "proof"));
  ATTESTD_CHECK(members.signed_integer("version", version, version));
  Proof out;
  ATTESTD_TRY(out.fetched_at, members.signed_integer("fetched_at", 0, std::numeric_limits<std::int64_t>::max()));
  ATTESTD_TRY(out.nonce, members.bytes("nonce", nonce_min_size, nonce_max_size));
  ATTESTD_TRY(out.evidence.bundle, members.string("bundle"));
  if (const auto* const channel = members.find("channel")) {
    ATTESTD_TRY(const JsonMembers of_channel, JsonMembers::of(*channel, members.place("channel")));
    ATTESTD_TRY(out.evidence.channel, decode_channel(of_channel));
  }
  if (members.find("activation_seed") != nullptr) {
    ATTESTD_TRY(out.evidence.activation_seed,
                members.bytes("activation_seed", activation_seed_size, activation_seed_size));
  }
  return out;
}

std::string ProofCache::path(std::string_view host, std::string_view source) const {
  const Bytes name =
      digest(HashAlgorithm::sha256, {as_bytes(host), as_bytes(std::string_view("\0", 1)), as_bytes(source)});
  return folder_ + "/" + to_hex(name) + std::string(suffix);
}

std::optional<Proof> ProofCache::find(std::string_view host, std::string_view source, std::int64_t now,
                                      std::int64_t seconds) const {
  if (!is_our_folder(folder_)) return std::nullopt;
  struct stat status{};
  const std::string file = path(host, source);
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode) || !only_we_may_write(status))
    return std::nullopt;
  const auto text = read_fd(fd.get(), file, 2 * bundle_max_size);
  if (!text) return std::nullopt;
  auto proof = parse_proof(as_text(*text));
  if (!proof || proof->fetched_at > now || now - proof->fetched_at >= seconds) return std::nullopt;
  return *std::move(proof);
}

Result<void> ProofCache::keep(std::string_view host, std::string_view source, const Proof& proof) const {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(folder_).parent_path(), error);
  if (::mkdir(folder_.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return fail_errno(errno, "cannot make the folder " + folder_);
  }
  if (!is_our_folder(folder_)) {
    return fail(Errc::permission, folder_ + " is no folder that only you and root may write");
  }
  remove_old(folder_);
  return replace_file(path(host, source), as_bytes(encode_proof(proof)), S_IRUSR | S_IWUSR);
}

}  // namespace attestd
