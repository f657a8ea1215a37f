#include "vtpm/policy.h"

#include <algorithm>

namespace attestd::vtpm {
namespace {

// Part 2, 6.5.2.
constexpr std::uint32_t cc_policy_nv = 0x00000149;
constexpr std::uint32_t cc_policy_authorize = 0x0000016a;
constexpr std::uint32_t cc_policy_auth_value = 0x0000016b;
constexpr std::uint32_t cc_policy_pcr = 0x0000017f;
constexpr std::uint16_t alg_sha256 = 0x000b;
constexpr std::uint16_t eo_eq = 0x0000;  // TPM_EO_EQ, part 2, 6.8

Digest sha256(std::initializer_list<ByteView> parts) {
  Digest out;
  std::ranges::copy(digest(HashAlgorithm::sha256, parts), out.begin());
  return out;
}

}  // namespace

void Policy::extend(std::uint32_t command, ByteView arguments) {
  digest_ = sha256({digest_, Writer().be32(command).bytes(), arguments});
}

void Policy::pcrs(const std::vector<unsigned>& indices, const Digest& composite) {
  const FixedBytes<3> bits = pcr_bits(indices);
  extend(cc_policy_pcr, Writer().be32(1).be16(alg_sha256).u8(3).raw(bits).raw(composite).bytes());
}

void Policy::authorized_by(ByteView key_name) {
  digest_ = {};
  extend(cc_policy_authorize, key_name);
  digest_ = sha256({digest_});  // with the reference, which is empty
}

void Policy::counter_equals(ByteView index_name, std::uint64_t value) {
  const Digest arguments = sha256({Writer().be64(value).be16(0).be16(eo_eq).bytes()});
  extend(cc_policy_nv, Writer().raw(arguments).raw(index_name).bytes());
}

void Policy::authorization_value() { extend(cc_policy_auth_value, {}); }

FixedBytes<3> pcr_bits(const std::vector<unsigned>& indices) {
  FixedBytes<3> out{};
  for (const unsigned index : indices) out.at(index / 8) |= std::byte{1} << (index % 8);
  return out;
}

Result<Digest> composite_of(const std::vector<unsigned>& indices, const PcrBank& values) {
  ATTESTD_TRY(const Bytes composite, pcr_composite(HashAlgorithm::sha256, {{HashAlgorithm::sha256, indices}},
                                                   {{HashAlgorithm::sha256, values}}));
  Digest out;
  std::ranges::copy(composite, out.begin());
  return out;
}

Result<Digest> pcr_policy(const std::vector<unsigned>& indices, const PcrBank& values) {
  ATTESTD_TRY(const Digest composite, composite_of(indices, values));
  Policy policy;
  policy.pcrs(indices, composite);
  return policy.digest();
}

Digest guard_policy(const Guard& guard) {
  Policy policy;
  policy.authorized_by(guard.key_name);
  policy.pcrs({latch_pcr}, sha256({pcr_initial_value(HashAlgorithm::sha256, latch_pcr)}));
  if (!guard.counter_name.empty()) policy.counter_equals(guard.counter_name, guard.counter);
  if (guard.authorization) policy.authorization_value();
  return policy.digest();
}

}  // namespace attestd::vtpm
