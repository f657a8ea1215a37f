// Internal to vtpm: an NV counter that only goes up. TPM 2.0 part 1, 37.2.
#pragma once

#include "vtpm/guard_internal.h"

namespace attestd::vtpm {

// The name of the index, which says all that it is: a counter, written by who meets PolicyAuthorize with the
// owner's key, read by anybody. An index that is removed and defined anew has the same name, and starts above
// what any counter of the TPM ever was.
Bytes counter_name(std::uint32_t index, ByteView policy_key_name, bool written);

// A counter that was incremented once at least. Errors: mismatch (it is not there, or is something else).
Result<hwio::EsysHandle> open_counter(ESYS_CONTEXT* esys, std::uint32_t index, ByteView policy_key_name);
// The same, defined and incremented first when it is not there.
Result<hwio::EsysHandle> need_counter(ESYS_CONTEXT* esys, const StorageRoot& root, std::uint32_t index,
                                      const PolicyKey& key, const SignedPolicy& signed_policy);
Result<std::uint64_t> read_counter(ESYS_CONTEXT* esys, const hwio::EsysHandle& counter,
                                   const hwio::EsysHandle& session);
Result<void> increment(ESYS_CONTEXT* esys, const StorageRoot& root, ESYS_TR counter, const PolicyKey& key,
                       const SignedPolicy& signed_policy);
// PolicyNV: it equals `value`.
Result<void> policy_counter(ESYS_CONTEXT* esys, const hwio::EsysHandle& policy, const hwio::EsysHandle& counter,
                            const hwio::EsysHandle& session, std::uint64_t value);

}  // namespace attestd::vtpm
