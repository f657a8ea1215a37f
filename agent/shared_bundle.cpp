#include "agent/shared_bundle.h"

namespace attestd::agent {

// encode_bundle() writes the type, the statement and the inclusion path first: an
// object with only these is a prefix of every other, up to its closing brace.

std::shared_ptr<const std::string> encode_shared_parts(const Bundle& common) {
  static const std::size_t own_size = encode_bundle(Bundle{}).size() - 1;
  return std::make_shared<const std::string>(encode_bundle(common).substr(own_size));
}

BundlePieces encode_own_parts(Bytes statement, InclusionProof inclusion, std::shared_ptr<const std::string> shared) {
  Bundle own;
  own.statement = std::move(statement);
  own.inclusion = std::move(inclusion);
  std::string text = encode_bundle(own);
  text.pop_back();
  return {std::move(text), std::move(shared)};
}

}  // namespace attestd::agent
