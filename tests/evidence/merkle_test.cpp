#include "evidence/merkle.h"

#include <openssl/sha.h>

#include <algorithm>

#include "base/encoding.h"
#include "tests/catch.h"

namespace attestd {
namespace {

MerkleHash sha512(const Bytes& bytes) {
  MerkleHash out;
  SHA512(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

// RFC 6962 section 2.1 as its text has it: split at the largest power of two
// below the size. Written apart from the code under test, and slow.
MerkleHash reference_root(std::span<const Bytes> entries) {
  if (entries.size() == 1) return sha512(Writer().u8(0).raw(entries[0]).take());
  std::size_t split = 1;
  while (split * 2 < entries.size()) split *= 2;
  const MerkleHash left = reference_root(entries.first(split));
  const MerkleHash right = reference_root(entries.subspan(split));
  return sha512(Writer().u8(1).raw(left).raw(right).take());
}

std::vector<Bytes> entries(std::size_t count) {
  std::vector<Bytes> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(to_bytes("entry " + std::to_string(i)));
  return out;
}

MerkleTree tree_of(std::span<const Bytes> from) {
  std::vector<MerkleHash> leaves;
  for (const Bytes& entry : from) leaves.push_back(merkle_leaf(entry));
  return MerkleTree(std::move(leaves));
}

}  // namespace

TEST_CASE("with one asker the root is sha512 of a zero byte and the statement") {
  // (printf '\0'; printf '%s' '{"purpose":"host"}') | sha512sum
  const MerkleTree tree = tree_of(std::vector<Bytes>{to_bytes(R"({"purpose":"host"})")});
  CHECK(to_hex(tree.root()) ==
        "12c3174ede3ced97beaf4246423f337af5c5b33ef3fb0dbbe41fa414336b25e14597947b8d2c1fb0397facc6b2db684ea32eec9e6caecd"
        "36c95797bb571f9dd4");
  CHECK(tree.prove(0).path.empty());
}

TEST_CASE("every tree of up to 70 leaves has RFC 6962's root, and every leaf a proof of it") {
  for (std::size_t size = 1; size <= 70; ++size) {
    const std::vector<Bytes> all = entries(size);
    const MerkleTree tree = tree_of(all);
    REQUIRE(tree.root() == reference_root(all));
    for (std::size_t i = 0; i < size; ++i) {
      const auto root = merkle_root(merkle_leaf(all[i]), tree.prove(i));
      REQUIRE(root);
      REQUIRE(*root == tree.root());
    }
  }
}

TEST_CASE("a proof leads to another root, or nowhere, when any part of it changes") {
  for (const std::size_t size : {2U, 3U, 5U, 8U, 21U}) {
    const std::vector<Bytes> all = entries(size);
    const MerkleTree tree = tree_of(all);
    for (std::size_t i = 0; i < size; ++i) {
      const MerkleHash leaf = merkle_leaf(all[i]);
      const InclusionProof good = tree.prove(i);
      const auto leads_to_root = [&](const MerkleHash& from, const InclusionProof& proof) {
        const auto root = merkle_root(from, proof);
        return root && *root == tree.root();
      };
      REQUIRE(leads_to_root(leaf, good));
      CHECK_FALSE(leads_to_root(merkle_leaf(to_bytes("another")), good));
      for (std::size_t step = 0; step < good.path.size(); ++step) {
        InclusionProof bad = good;
        bad.path[step][7] ^= std::byte{0x10};
        CHECK_FALSE(leads_to_root(leaf, bad));
      }
      InclusionProof shorter = good;
      shorter.path.pop_back();
      CHECK_FALSE(leads_to_root(leaf, shorter));
      InclusionProof longer = good;
      longer.path.push_back(leaf);
      CHECK_FALSE(leads_to_root(leaf, longer));
      for (std::size_t other = 0; other < size; ++other) {
        InclusionProof moved = good;
        moved.leaf_index = other;
        if (other != i) CHECK_FALSE(leads_to_root(leaf, moved));
      }
    }
  }
}

TEST_CASE("an inner node cannot pass for a leaf") {
  const std::vector<Bytes> all = entries(4);
  const MerkleTree tree = tree_of(all);
  const MerkleHash left = merkle_node(merkle_leaf(all[0]), merkle_leaf(all[1]));
  const MerkleHash right = merkle_node(merkle_leaf(all[2]), merkle_leaf(all[3]));
  const auto forged = merkle_root(merkle_leaf(Writer().raw(left).raw(right).take()), InclusionProof{0, 1, {}});
  REQUIRE(forged);
  CHECK(*forged != tree.root());
}

TEST_CASE("a proof with impossible numbers is an error") {
  const MerkleHash leaf = merkle_leaf(to_bytes("x"));
  struct Case {
    InclusionProof proof;
    Errc code;
  };
  const std::vector<Case> cases{
      {{1, 1, {}}, Errc::out_of_range},
      {{0, 0, {}}, Errc::out_of_range},
      {{0, (std::size_t{1} << 32U) + 1, {}}, Errc::out_of_range},
      {{0, 1, {leaf}}, Errc::mismatch},
      {{0, 2, {}}, Errc::mismatch},
      {{0, std::size_t{1} << 32U, {leaf, leaf}}, Errc::mismatch},
  };
  for (const Case& c : cases) {
    const auto root = merkle_root(leaf, c.proof);
    REQUIRE_FALSE(root);
    CHECK(root.error().code == c.code);
  }
}

}  // namespace attestd
