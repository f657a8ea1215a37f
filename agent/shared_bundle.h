// A bundle whose large parts are encoded once for all askers of a batch.
#pragma once

#include <memory>
#include <string>

#include "evidence/bundle.h"

namespace attestd::agent {

// The JSON of a bundle in two pieces: what is one asker's own, and what the
// batch shares. `own + *shared` is what encode_bundle() makes of it all.
struct BundlePieces {
  std::string own;
  std::shared_ptr<const std::string> shared;
};

// `common` has neither statement nor inclusion path.
std::shared_ptr<const std::string> encode_shared_parts(const Bundle& common);
BundlePieces encode_own_parts(Bytes statement, InclusionProof inclusion, std::shared_ptr<const std::string> shared);

}  // namespace attestd::agent
