#include "broker/admin.h"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <ctime>

#include "base/encoding.h"
#include "base/file.h"
#include "base/random.h"
#include "base/terminal.h"
#include "base/text.h"
#include "broker/admin_internal.h"
#include "broker/decision.h"
#include "broker/keys.h"
#include "broker/principals.h"
#include "broker/rotation.h"
#include "broker/server.h"
#include "broker/volume.h"
#include "evidence/digest.h"
#include "evidence/json_internal.h"

namespace attestd::broker {
namespace json = boost::json;
namespace {

constexpr std::size_t secret_limit = std::size_t{1} << 20U;  // bytes
constexpr unsigned key_mode = 0600;
constexpr std::size_t token_size = 32;  // bytes
constexpr std::size_t uuid_size = 36;   // characters

// Who does this, for the audit log: a name by the system's own tables.
std::string user_name() {
  const uid_t uid = ::getuid();
  const passwd* const entry = ::getpwuid(uid);  // NOLINT(concurrency-mt-unsafe): there is one thread
  return entry != nullptr ? entry->pw_name : std::to_string(uid);
}

Result<SecretBytes> secret_of(const Admin::Put& options) {
  if (options.generate > 0) return SecretBytes::random(options.generate);
  auto secret = SecretBytes::read(options.file == "-" ? "/dev/stdin" : options.file, secret_limit);
  if (secret && secret->empty()) return fail(Errc::usage, "the secret is empty");
  return secret;
}

json::value time_or_null(const std::optional<std::int64_t>& time) {
  return time ? json::value(to_rfc3339(*time)) : json::value(nullptr);
}

json::object resource_json(const Resource& resource) {
  json::array versions;
  for (const ResourceVersion& one : resource.versions) {
    versions.emplace_back(json::object{{"version", one.version},
                                       {"created_at", to_rfc3339(one.created_at)},
                                       {"revoked_at", time_or_null(one.revoked_at)}});
  }
  const VolumeState& state = resource.state;
  json::object out{{"resource", resource.settings.path},
                   {"policy", resource.settings.policy},
                   {"created_at", to_rfc3339(resource.created_at)},
                   {"versions", std::move(versions)},
                   {"releases", state.releases},
                   {"last_release_at", time_or_null(state.last_release_at)}};
  if (resource.settings.volume) {
    out["volume"] = json::object{
        {"uuid", *resource.settings.volume},
        {"header_sha256", state.headers.header ? json::value(to_hex(*state.headers.header)) : json::value(nullptr)},
        {"next_header_sha256",
         state.headers.next_header ? json::value(to_hex(*state.headers.next_header)) : json::value(nullptr)},
        {"counter", state.counter}};
  }
  return out;
}

std::string resource_line(const Resource& resource) {
  const ResourceVersion& current = resource.versions.back();
  std::string volume;
  std::string out = resource.settings.path + "  policy " + resource.settings.policy + ", version " +
                    std::to_string(current.version) + (current.revoked_at ? " (revoked)" : "") + ", " +
                    std::to_string(resource.state.releases) + " releases";
  if (resource.state.last_release_at) out += ", last at " + to_rfc3339(*resource.state.last_release_at);
  if (resource.settings.volume) {
    volume = "    volume " + *resource.settings.volume + ", header " +
             (resource.state.headers.header ? to_hex(*resource.state.headers.header) : "not seen yet") + ", counter " +
             std::to_string(resource.state.counter);
  }
  return printable(out) + "\n" + (volume.empty() ? "" : printable(volume) + "\n");
}

}  // namespace

std::int64_t now_s() { return static_cast<std::int64_t>(std::time(nullptr)); }

Result<Sha256Digest> digest_from_hex(const std::string& option, const std::string& text) {
  const auto bytes = from_hex(text);
  Sha256Digest out{};
  if (!bytes || bytes->size() != out.size()) return fail(Errc::usage, option + " is not 64 hex digits");
  std::ranges::copy(*bytes, out.begin());
  return out;
}

Result<void> print_json(const json::value& value) { return print(printable_json(json::serialize(value)) + "\n"); }

Result<int> make_master_key(const std::string& file) {
  const UniqueFd out(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, key_mode));
  if (!out && errno == EEXIST) {
    return fail(Errc::busy, file + " is there already, and what it sealed would be lost: name another file");
  }
  if (!out) return fail_errno(errno, "cannot make " + file);
  ATTESTD_TRY(const SecretBytes key, SecretBytes::random(master_key_size));
  auto written = write_all(out.get(), file, key.view());
  if (written && ::fsync(out.get()) != 0) written = fail_errno(errno, "cannot write " + file);
  if (!written) {
    ::unlink(file.c_str());
    return std::unexpected(std::move(written).error());
  }
  ATTESTD_CHECK(print("wrote a new master key to " + printable(file) + ": keep a copy where no broker is\n"));
  return 0;
}

Result<Admin> Admin::open(const AdminOptions& options) {
  ATTESTD_TRY(const Config config, load_config(options.config));
  ATTESTD_TRY(std::unique_ptr<Store> store, open_store(config));
  return Admin(options, std::move(store));
}

// What was done and the record of it, both or neither.
Result<void> Admin::audited(const std::string& action, const std::string& object,
                            const std::function<Result<void>(StoreTransaction&)>& job) {
  const std::int64_t now = now_s();
  const std::string record = admin_record(now, user_name(), action, object);
  return store_->write([&](StoreTransaction& transaction) -> Result<void> {
    ATTESTD_CHECK(job(transaction));
    ATTESTD_CHECK(transaction.append_audit(now, record));
    return {};
  });
}

Result<int> Admin::put(const Put& options) {
  ResourceSettings settings{.path = options.path, .policy = options.policy, .volume = {}, .conditions = {}};
  if (!options.volume.empty()) {
    if (options.volume.size() != uuid_size) return fail(Errc::usage, "--volume " + options.volume + " is no UUID");
    settings.volume = options.volume;
  }
  ATTESTD_TRY(const SecretBytes secret, secret_of(options));
  std::int64_t version = 0;
  ATTESTD_CHECK(audited("put", options.path, [&](StoreTransaction& transaction) -> Result<void> {
    ATTESTD_TRY(version, transaction.put_resource(settings, secret.view(), now_s()));
    return {};
  }));
  ATTESTD_CHECK(print(printable(options.path) + " has version " + std::to_string(version) + ", for policy " +
                      printable(options.policy) + "\n"));
  return 0;
}

Result<int> Admin::rotate(const Put& options) {
  ATTESTD_TRY(const SecretBytes secret, secret_of(options));
  std::int64_t version = 0;
  ATTESTD_CHECK(audited("rotate", options.path, [&](StoreTransaction& transaction) -> Result<void> {
    ATTESTD_TRY(const Resource there, transaction.resource(options.path));
    ATTESTD_TRY(version, transaction.put_resource(there.settings, secret.view(), now_s()));
    return {};
  }));
  ATTESTD_CHECK(print(printable(options.path) + " has version " + std::to_string(version) + "\n"));
  return 0;
}

Result<int> Admin::list() {
  ATTESTD_TRY(const std::vector<Resource> all,
              read_from(*store_, [](const StoreReader& reader) { return reader.resources(); }));
  json::array array;
  std::string text;
  for (const Resource& one : all) {
    if (options_.json) {
      array.emplace_back(resource_json(one));
    } else {
      text += resource_line(one);
    }
  }
  if (options_.json) {
    ATTESTD_CHECK(print_json(array));
  } else {
    ATTESTD_CHECK(print(all.empty() ? "there are no resources: attest-broker put\n" : text));
  }
  return 0;
}

Result<int> Admin::show(const std::string& path) {
  ATTESTD_TRY(const Resource one, read_from(*store_, [&](const StoreReader& reader) { return reader.resource(path); }));
  if (options_.json) {
    ATTESTD_CHECK(print_json(resource_json(one)));
  } else {
    ATTESTD_CHECK(print(resource_line(one)));
  }
  return 0;
}

Result<int> Admin::revoke(const std::string& path, std::int64_t version) {
  const auto which = version == 0 ? std::nullopt : std::optional(version);
  ATTESTD_CHECK(
      audited(version == 0 ? "revoke" : "revoke version " + std::to_string(version), path,
              [&](StoreTransaction& transaction) { return transaction.revoke_resource(path, which, now_s()); }));
  ATTESTD_CHECK(print(printable(path) + (version == 0 ? ": all versions are revoked\n"
                                                      : ": version " + std::to_string(version) + " is revoked\n")));
  return 0;
}

Result<int> Admin::remove(const std::string& path) {
  ATTESTD_CHECK(audited("remove", path,
                        [&](StoreTransaction& transaction) { return transaction.remove_resource(path, now_s()); }));
  ATTESTD_CHECK(print(printable(path) + " is removed\n"));
  return 0;
}

Result<int> Admin::host_cert_allow(const std::string& policy, const std::vector<std::string>& principals,
                                   std::int64_t validity_s) {
  for (const std::string& name : principals) {
    if (!is_principal_pattern(name)) {
      return fail(Errc::usage, "--principal " + name + " is no host name, no address and no *.DOMAIN");
    }
  }
  const HostCertificateRule rule{policy, principals, validity_s};
  ATTESTD_CHECK(audited("host-cert allow", policy + " for " + joined(principals),
                        [&](StoreTransaction& transaction) { return transaction.put_host_certificate_rule(rule); }));
  ATTESTD_CHECK(print("who is trusted by policy " + printable(policy) + " gets host certificates for " +
                      printable(joined(principals)) + ", of " + std::to_string(validity_s) + " s\n"));
  return 0;
}

Result<int> Admin::host_cert_list() {
  ATTESTD_TRY(const std::vector<HostCertificateRule> all,
              read_from(*store_, [](const StoreReader& reader) { return reader.host_certificate_rules(); }));
  json::array array;
  std::string text;
  for (const HostCertificateRule& one : all) {
    json::array names;
    for (const std::string& name : one.principals) names.emplace_back(name);
    array.emplace_back(
        json::object{{"policy", one.policy}, {"principals", std::move(names)}, {"validity_s", one.validity_s}});
    text += printable(one.policy) + "  for " + printable(joined(one.principals)) + ", of " +
            std::to_string(one.validity_s) + " s\n";
  }
  if (options_.json) {
    ATTESTD_CHECK(print_json(array));
  } else {
    ATTESTD_CHECK(print(all.empty() ? "there are no rules: attest-broker host-cert allow\n" : text));
  }
  return 0;
}

Result<int> Admin::host_cert_remove(const std::string& policy) {
  ATTESTD_CHECK(audited("host-cert remove", policy, [&](StoreTransaction& transaction) {
    return transaction.remove_host_certificate_rule(policy);
  }));
  ATTESTD_CHECK(print("the rule of policy " + printable(policy) + " is removed\n"));
  return 0;
}

Result<int> Admin::host_cert_authority(const std::string& pattern) {
  ATTESTD_TRY(const Keys keys, provide_keys(*store_));
  const std::string line = keys.authority.public_key().line();
  ATTESTD_CHECK(print(pattern.empty() ? line + "\n" : "@cert-authority " + printable(pattern) + " " + line + "\n"));
  return 0;
}

Result<int> Admin::enrolment_token(const std::string& path, const std::string& policy, std::int64_t lifetime_s,
                                   bool rotate) {
  if (policy.empty() && !rotate) return fail(Errc::usage, "--policy says who may enrol: name one");
  ATTESTD_TRY(Bytes random, random_bytes(token_size));
  // No character of it means anything to a shell or to an option parser.
  const std::string token = to_hex(random);
  wipe(random);
  EnrolmentToken entry{.digest = rotate ? rotation_token_digest(token) : enrolment_token_digest(token),
                       .path = path,
                       .policy = policy,
                       .expires_at = now_s() + lifetime_s};
  if (rotate) {
    ATTESTD_TRY(const Resource there,
                read_from(*store_, [&](const StoreReader& reader) { return reader.resource(path); }));
    if (!there.settings.volume)
      return fail(Errc::usage, path + " is no volume's key: replace it with attest-broker rotate");
    if (policy.empty()) entry.policy = there.settings.policy;
  }
  ATTESTD_CHECK(
      audited(rotate ? "rotation token" : "enrolment token", path + " under policy " + entry.policy,
              [&](StoreTransaction& transaction) { return transaction.put_enrolment_token(entry, now_s()); }));
  ATTESTD_CHECK(print(token + "\n"));
  return 0;
}

Result<int> Admin::volume_forget(const std::string& path, const std::string& header) {
  std::optional<Sha256Digest> pinned;
  if (!header.empty()) {
    ATTESTD_TRY(pinned, digest_from_hex("--header", header));
  }
  // Counters only ever grow, so the resource is made anew, with the same secret.
  ATTESTD_CHECK(audited("volume forget", path, [&](StoreTransaction& transaction) -> Result<void> {
    ATTESTD_TRY(const Resource there, transaction.resource(path));
    if (!there.settings.volume) return fail(Errc::usage, path + " is no volume's key");
    ATTESTD_TRY(const ResourceSecret current, transaction.secret(path));
    ATTESTD_CHECK(transaction.remove_resource(path, now_s()));
    ATTESTD_CHECK(transaction.put_resource(there.settings, current.secret.view(), now_s()));
    if (!pinned) return {};
    return transaction.update_volume(path, {.counter = {}, .headers = HeaderDigests{pinned, std::nullopt}});
  }));
  ATTESTD_CHECK(
      print(printable(path) + (pinned ? ": only the header that was named is good now\n"
                                      : ": the header and counter of the next unlock will be taken as they are\n")));
  return 0;
}

Result<int> Admin::reseal(const std::string& file) {
  ATTESTD_TRY(const Sealer to, Sealer::from_file(file));
  // Before, since this store opens nothing afterwards.
  ATTESTD_CHECK(audited("master-key replace", "key " + to_hex(to.key_id()),
                        [](StoreTransaction&) -> Result<void> { return {}; }));
  ATTESTD_CHECK(store_->reseal_all(to));
  ATTESTD_CHECK(print("everything is sealed under the key in " + printable(file) +
                      ": give it to all brokers, and restart them\n"));
  return 0;
}

}  // namespace attestd::broker
