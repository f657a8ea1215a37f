#include <algorithm>
#include <cstdlib>

#include "evidence/merkle.h"

// Input: leaf index (le64), tree size (le64), leaf, then the path.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  attestd::Reader reader(std::as_bytes(std::span(data, size)));
  const auto index = reader.le64("index");
  const auto tree_size = reader.le64("size");
  const auto leaf = reader.fixed<64>("leaf");
  if (!index || !tree_size || !leaf) return 0;
  attestd::InclusionProof proof{*index, *tree_size, {}};
  while (const auto hash = reader.fixed<64>("hash")) proof.path.push_back(*hash);
  const auto root = attestd::merkle_root(*leaf, proof);
  // A path that is accepted has the length that this place in this tree has.
  if (root && (*index >= *tree_size || proof.path.size() > 32)) std::abort();
  // Bounded by what the fuzzer can afford: a real tree's proof must be accepted.
  const std::size_t leaves = 1 + *tree_size % 40;
  const attestd::MerkleTree tree(std::vector<attestd::MerkleHash>(leaves, *leaf));
  const auto good = attestd::merkle_root(*leaf, tree.prove(*index % leaves));
  if (!good || *good != tree.root()) std::abort();
  return 0;
}
