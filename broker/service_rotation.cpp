// POST /v1/rotation: another key for a volume.
#include "base/encoding.h"
#include "broker/rotation.h"
#include "broker/service.h"
#include "broker/service_internal.h"
#include "broker/volume.h"

namespace attestd::broker {
namespace {

// As a release is judged, and by the token besides; in one transaction with the new version, so that a token is never
// spent for nothing.
Result<void> rotate_in(StoreTransaction& transaction, const RotationRequest& asked, const AttestationResult& result,
                       const Asker& asker, std::int64_t now, ReleaseDecision& decision) {
  const auto spent = transaction.spend_enrolment_token(rotation_token_digest(asked.token), now);
  if (!spent && (spent.error().code == Errc::expired || spent.error().code == Errc::not_found)) {
    return fail(Errc::refused, spent.error().message);
  }
  if (!spent) return std::unexpected(spent.error());
  if (spent->path != asked.resource) return fail(Errc::refused, "the token is for another resource");
  ATTESTD_TRY(const Resource resource, transaction.resource(asked.resource));
  if (!resource.settings.volume) return fail(Errc::refused, "resource " + asked.resource + " is no volume's key");
  ATTESTD_TRY(decision.policy, find_policy(transaction, resource.settings.policy, result));
  if (spent->policy != resource.settings.policy) {
    ATTESTD_CHECK(find_policy(transaction, spent->policy, result));
  }
  ATTESTD_TRY(const VolumeUpdate update, check_volume(resource.settings, resource.state, result.volume));
  // What was revoked is not brought back by who could not have it released.
  ATTESTD_CHECK(transaction.secret(asked.resource));
  ATTESTD_TRY(const std::int64_t version, transaction.put_resource(resource.settings, asked.key.view(), now));
  ATTESTD_CHECK(transaction.update_volume(asked.resource, update));
  ReleaseDecision rotated = decision;
  rotated.version = version;
  ATTESTD_CHECK(transaction.append_audit(now, rotation_record(now, asker, rotated)));
  return {};
}

}  // namespace

Result<void> Service::rotate(const Request& request) {
  ATTESTD_TRY(const AttestationResult result, session(request));
  const auto parsed = parse_rotation_request(request.body);
  if (!parsed) return malformed(parsed.error());
  const RotationRequest& asked = *parsed;
  const std::int64_t now = clock_();
  const Asker asker = asker_of(request, result);
  ReleaseDecision decision{.resource = asked.resource};
  const auto rotated = write_to(*store_, [&](StoreTransaction& transaction) {
    return rotate_in(transaction, asked, result, asker, now, decision);
  });
  if (rotated) {
    ++counters_.rotated;
    return rotated;
  }
  ++counters_.rotations_refused;
  return refuse(rotated.error(), asker, now, decision, rotation_record);
}

Reply Service::rotation(const Request& request) {
  const auto rotated = rotate(request);
  if (!rotated) return refusal(rotated.error());
  Reply out;
  out.body = "{}";
  return out;
}

}  // namespace attestd::broker
