// The Merkle tree that lets many askers share one hardware report.
// RFC 6962 section 2.1 with SHA-512: leaf = H(0x00 || entry), node = H(0x01 ||
// left || right). The root is 64 bytes, the size of REPORT_DATA in both AMD's
// and Intel's formats.
#pragma once

#include <cstddef>
#include <vector>

#include "base/bytes.h"

namespace attestd {

using MerkleHash = FixedBytes<64>;

MerkleHash merkle_leaf(ByteView entry);
MerkleHash merkle_node(const MerkleHash& left, const MerkleHash& right);

// A leaf's way to the root, RFC 6962 section 2.1.1.
struct InclusionProof {
  std::size_t leaf_index = 0;
  std::size_t tree_size = 1;
  std::vector<MerkleHash> path;  // from the leaf up; empty for a tree of one
};

// All nodes of a tree, built once for a batch: 2n hashes for n leaves.
class MerkleTree {
 public:
  explicit MerkleTree(std::vector<MerkleHash> leaves);  // at least one
  [[nodiscard]] const MerkleHash& root() const;
  [[nodiscard]] InclusionProof prove(std::size_t leaf_index) const;
  [[nodiscard]] std::size_t size() const { return levels_.front().size(); }

 private:
  std::vector<std::vector<MerkleHash>> levels_;  // [0] the leaves
};

// The root that the proof leads to (RFC 9162 section 2.1.3.2).
// Errors: out_of_range (index not below size, size over 2^32), mismatch (path
// of the wrong length).
Result<MerkleHash> merkle_root(const MerkleHash& leaf, const InclusionProof& proof);

}  // namespace attestd
