// What the service's parts share.
#pragma once

#include "broker/challenge.h"
#include "broker/decision.h"
#include "broker/service.h"
#include "broker/store_transaction.h"

namespace attestd::broker {

// Of the store or of our own keys: who asks has done nothing wrong, and may ask again.
bool is_our_failure(const Error& error);

// An error of a job on the store. What the guest can be told as its own doing stays what it is: refused, not_found,
// expired, changed, usage. Of the rest nothing may look like a decision: a blob that does not open, a row of the wrong
// type, a master key that was replaced are ours to mend, and internal.
Error of_store(Error error);

// A request that cannot be read: that it lacks a member is not that a resource is missing.
std::unexpected<Error> malformed(Error error);

// Error: changed (the challenge was answered before).
Result<void> require_unspent(const StoreReader& reader, const Challenge& challenge);

Asker asker_of(const Request& request, const AttestationResult& result);

// What the policy made of the evidence, in its present version. Error: refused (it did not trust it, or has changed).
Result<PolicyResult> find_policy(const StoreReader& reader, const std::string& name, const AttestationResult& result);

}  // namespace attestd::broker
