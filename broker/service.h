// What the broker does with a request: protocol, verdicts, releases. Calls block, on the store and on
// signatures; any thread may make them. docs/broker.md has the resources and their members.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "broker/config.h"
#include "broker/judge.h"
#include "broker/keys.h"
#include "broker/refusal_log.h"
#include "broker/store_values.h"
#include "net/problem.h"

namespace attestd::broker {

struct Asker;
struct ReleaseDecision;

struct Request {
  std::string address;  // of who asks
  std::string path;
  std::string body;
  std::string cookie;         // the header's value
  std::string authorization;  // the header's value
};

struct Reply {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::string headers;  // lines of their own, each with its "\r\n"
};

// For monitors.
struct ServiceCounters {
  std::atomic<std::uint64_t> challenges = 0;
  std::atomic<std::uint64_t> trusted = 0;
  std::atomic<std::uint64_t> refused = 0;  // evidence
  std::atomic<std::uint64_t> released = 0;
  std::atomic<std::uint64_t> withheld = 0;  // secrets
  std::atomic<std::uint64_t> rotated = 0;
  std::atomic<std::uint64_t> rotations_refused = 0;
  std::atomic<std::uint64_t> certificates = 0;
  std::atomic<std::uint64_t> failures = 0;  // of ours: the store, keys
};

class Service {
 public:
  using Clock = std::function<std::int64_t()>;  // Unix seconds
  Service(const Config& config, Store& store, Keys keys, Clock clock)
      : config_(&config),
        store_(&store),
        keys_(std::move(keys)),
        judge_(config.key_cache),
        clock_(std::move(clock)),
        refusals_(shares_of(config)),
        attested_refusals_(shares_of(config)) {}

  // The KBS protocol: /kbs/v0/auth, /kbs/v0/attest, /kbs/v0/resource/…
  Reply kbs_auth(const Request& request);
  Reply kbs_attest(const Request& request);
  Reply kbs_resource(const Request& request);
  // Our own: /v1/challenge, /v1/ssh-host-certificates, /v1/enrolment, /v1/volume-header, /v1/rotation
  Reply challenge(const Request& request);
  Reply ssh_host_certificates(const Request& request);
  Reply enrolment(const Request& request);
  Reply volume_header(const Request& request);
  Reply rotation(const Request& request);
  // Whether the store answers, and is sealed under our master key.
  Reply health(const Request& request);
  // The public keys: of tokens as a JWK set (RFC 7517 section 5), and of ssh certificates.
  [[nodiscard]] Reply token_keys() const;
  [[nodiscard]] Reply ssh_authority() const;

  [[nodiscard]] const ServiceCounters& counters() const { return counters_; }
  // Once in a while: challenges that expired are no more remembered. Error: those of Store.
  Result<void> forget_challenges();
  // Once in a while and at the end: records how many refusals have no record of their own. Error: those of Store.
  Result<void> record_silent_refusals();

 private:
  // The policies to judge by. Errors: not_found, usage (too many), changed (the challenge was answered before: a first
  // look, so that a replay costs no verification).
  [[nodiscard]] Result<std::vector<StoredPolicy>> begin_judging(const Challenge& challenge) const;
  // The challenge's end and its audit record, if there is one, both or neither. Error: changed (spent before).
  Result<void> spend(const Challenge& challenge, std::int64_t at, const std::optional<std::string>& audit_body);
  // `record` as it is, or nothing when the address has had its share of records: for refusals of whom anybody can be.
  std::optional<std::string> rationed(const std::string& address, std::int64_t at, std::string record);
  // The error, which ended an attestation before its evidence was judged, after it was recorded in that share.
  std::unexpected<Error> unjudged(const Error& error, const Asker& asker, std::int64_t at);
  // For what failed by our own fault: the error, after its record was kept if that is possible still.
  std::unexpected<Error> failed(const Error& error, const std::string& address, std::int64_t at, std::string record);
  using RecordOf = std::function<std::string(std::int64_t at, const Asker&, const ReleaseDecision&)>;
  // For what a job on the store did not do: its error as the guest is told it, with which `decision` is completed and
  // recorded, as long as attested askers of the address have their share of records.
  std::unexpected<Error> refuse(const Error& error, const Asker& asker, std::int64_t at, ReleaseDecision& decision,
                                const RecordOf& record);
  // What the request's token says. Errors: permission (no token, or none of ours), expired.
  [[nodiscard]] Result<AttestationResult> session(const Request& request) const;
  Result<std::string> attest(const Request& request);
  Result<std::string> release(const std::string& path, const Request& request);
  Result<std::string> enrol(const Request& request);
  Result<void> announce_header(const Request& request);
  Result<void> rotate(const Request& request);
  Result<std::string> certify(const Request& request);
  // An error of ours, and any error, as problems of our own resources: docs/broker.md.
  [[nodiscard]] Reply failure(const Error& error);
  [[nodiscard]] Reply refusal(const Error& error);
  static RefusalLimits shares_of(const Config& config) {
    return {.per_address = config.limits.refusals_recorded_per_address, .in_total = config.limits.refusals_recorded};
  }

  const Config* config_;
  Store* store_;
  Keys keys_;
  Judge judge_;
  Clock clock_;
  ServiceCounters counters_;
  RefusalLog refusals_;
  // Of who showed a token of ours: nobody without one can use up its share, from the same address either.
  RefusalLog attested_refusals_;
};

}  // namespace attestd::broker
