#include "evidence/merkle.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "evidence/digest.h"

namespace attestd {
namespace {

constexpr std::array leaf_prefix{std::byte{0x00}};
constexpr std::array node_prefix{std::byte{0x01}};
constexpr std::uint64_t tree_size_limit = std::uint64_t{1} << 32U;

MerkleHash sha512(std::initializer_list<ByteView> parts) {
  const Bytes hash = digest(HashAlgorithm::sha512, parts);
  MerkleHash out;
  std::ranges::copy(hash, out.begin());
  return out;
}

}  // namespace

MerkleHash merkle_leaf(ByteView entry) { return sha512({leaf_prefix, entry}); }

MerkleHash merkle_node(const MerkleHash& left, const MerkleHash& right) { return sha512({node_prefix, left, right}); }

// Pairing a level from the left and carrying an odd last hash up unchanged gives
// the same tree as RFC 6962's split at the largest power of two.
MerkleTree::MerkleTree(std::vector<MerkleHash> leaves) {
  if (leaves.empty()) throw std::invalid_argument("a Merkle tree needs a leaf");
  levels_.push_back(std::move(leaves));
  while (levels_.back().size() > 1) {
    const std::vector<MerkleHash>& below = levels_.back();
    std::vector<MerkleHash> level;
    level.reserve((below.size() + 1) / 2);
    for (std::size_t i = 0; i + 1 < below.size(); i += 2) level.push_back(merkle_node(below[i], below[i + 1]));
    if (below.size() % 2 != 0) level.push_back(below.back());
    levels_.push_back(std::move(level));
  }
}

const MerkleHash& MerkleTree::root() const { return levels_.back().front(); }

InclusionProof MerkleTree::prove(std::size_t leaf_index) const {
  if (leaf_index >= size()) throw std::out_of_range("no such leaf in the Merkle tree");
  InclusionProof proof{leaf_index, size(), {}};
  std::size_t index = leaf_index;
  for (const std::vector<MerkleHash>& level : levels_) {
    const std::size_t sibling = index ^ 1U;
    if (sibling < level.size()) proof.path.push_back(level[sibling]);
    index /= 2;
  }
  return proof;
}

Result<MerkleHash> merkle_root(const MerkleHash& leaf, const InclusionProof& proof) {
  if (proof.tree_size > tree_size_limit) return fail(Errc::out_of_range, "inclusion proof is for a tree of over 2^32");
  if (proof.leaf_index >= proof.tree_size) {
    return fail(Errc::out_of_range, "inclusion proof is for leaf " + std::to_string(proof.leaf_index) +
                                        " of a tree of " + std::to_string(proof.tree_size));
  }
  // The names are those of RFC 9162 section 2.1.3.2.
  std::size_t fn = proof.leaf_index;
  std::size_t sn = proof.tree_size - 1;
  MerkleHash r = leaf;
  for (const MerkleHash& p : proof.path) {
    if (sn == 0) return fail(Errc::mismatch, "inclusion path is longer than the tree is high");
    if (fn % 2 == 1 || fn == sn) {
      r = merkle_node(p, r);
      while (fn % 2 == 0 && fn != 0) {
        fn >>= 1U;
        sn >>= 1U;
      }
    } else {
      r = merkle_node(r, p);
    }
    fn >>= 1U;
    sn >>= 1U;
  }
  if (sn != 0) return fail(Errc::mismatch, "inclusion path is shorter than the tree is high");
  return r;
}

}  // namespace attestd
