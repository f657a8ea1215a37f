// The broker's own keys. They are in the store, sealed, so that all replicas have the same.
#pragma once

#include "broker/challenge.h"
#include "broker/ssh_authority.h"
#include "broker/store_values.h"
#include "jose/jwt.h"

namespace attestd::broker {

struct Keys {
  ChallengeKey challenge;
  SigningKey token;
  SshAuthority authority;
};

// Those that are there; what is missing is made and kept. Errors: those of Store.
Result<Keys> provide_keys(Store& store);

}  // namespace attestd::broker
