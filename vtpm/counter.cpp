#include <algorithm>

#include "base/hex_number.h"
#include "vtpm/counter_internal.h"

namespace attestd::vtpm {
namespace {

using hwio::EsysHandle, hwio::EsysPointer, hwio::tpm_check, hwio::tpm_response_is;

constexpr std::uint16_t counter_size = 8;  // bytes, big-endian
constexpr TPMA_NV attributes = TPM2_NT_COUNTER << TPMA_NV_TPM2_NT_SHIFT | TPMA_NV_POLICYWRITE | TPMA_NV_AUTHREAD |
                               TPMA_NV_OWNERREAD | TPMA_NV_NO_DA;

std::string what(std::uint32_t index) { return "the TPM's counter, NV index " + hex_number(index) + ","; }

Digest write_policy(ByteView policy_key_name) {
  Policy policy;
  policy.authorized_by(policy_key_name);
  return policy.digest();
}

// Unwritten as well. Errors: not_found, mismatch.
Result<EsysHandle> find(ESYS_CONTEXT* esys, std::uint32_t index, ByteView policy_key_name, bool& written) {
  ESYS_TR raw = ESYS_TR_NONE;
  const TSS2_RC code = Esys_TR_FromTPMPublic(esys, index, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw);
  if (tpm_response_is(code, TPM2_RC_HANDLE) || tpm_response_is(code, TPM2_RC_VALUE)) {
    return fail(Errc::not_found, what(index) + " is not there");
  }
  ATTESTD_CHECK(tpm_check(code, "find " + what(index)));
  EsysHandle out(esys, raw, EsysHandle::End::close);
  TPM2B_NAME* raw_name = nullptr;
  ATTESTD_CHECK(tpm_check(Esys_TR_GetName(esys, raw, &raw_name), "name " + what(index)));
  const EsysPointer<TPM2B_NAME> name(raw_name);
  // The name goes into every HMAC over a command on it: a false one helps nobody.
  const ByteView found = contents(*name, name->name);
  written = std::ranges::equal(found, counter_name(index, policy_key_name, true));
  if (!written && !std::ranges::equal(found, counter_name(index, policy_key_name, false))) {
    return fail(Errc::mismatch, what(index) + " is something else");
  }
  return out;
}

Result<void> define(ESYS_CONTEXT* esys, std::uint32_t index, ByteView policy_key_name, const EsysHandle& session) {
  TPM2B_NV_PUBLIC area = {};
  area.nvPublic.nvIndex = index;
  area.nvPublic.nameAlg = TPM2_ALG_SHA256;
  area.nvPublic.attributes = attributes;
  area.nvPublic.authPolicy.size = fill(area.nvPublic.authPolicy.buffer, write_policy(policy_key_name));
  area.nvPublic.dataSize = counter_size;
  const TPM2B_AUTH empty = {};
  ATTESTD_CHECK(encrypt_next(esys, session, Encrypt::none));
  ESYS_TR raw = ESYS_TR_NONE;
  ATTESTD_CHECK(tpm_check(
      Esys_NV_DefineSpace(esys, ESYS_TR_RH_OWNER, session.get(), ESYS_TR_NONE, ESYS_TR_NONE, &empty, &area, &raw),
      "define " + what(index)));
  const EsysHandle defined(esys, raw, EsysHandle::End::close);
  return {};
}

}  // namespace

Bytes counter_name(std::uint32_t index, ByteView policy_key_name, bool written) {
  const Digest policy = write_policy(policy_key_name);
  // TPMS_NV_PUBLIC, part 2, 13.5.
  const Bytes area = Writer()
                         .be32(index)
                         .be16(TPM2_ALG_SHA256)
                         .be32(attributes | (written ? TPMA_NV_WRITTEN : 0))
                         .be16(static_cast<std::uint16_t>(policy.size()))
                         .raw(policy)
                         .be16(counter_size)
                         .take();
  return Writer().be16(TPM2_ALG_SHA256).raw(digest(HashAlgorithm::sha256, {area})).take();
}

Result<EsysHandle> open_counter(ESYS_CONTEXT* esys, std::uint32_t index, ByteView policy_key_name) {
  bool written = false;
  auto out = find(esys, index, policy_key_name, written);
  if (!out && out.error().code == Errc::not_found) out.error().code = Errc::mismatch;
  if (out && !written) return fail(Errc::mismatch, what(index) + " was defined anew and never written");
  return out;
}

Result<EsysHandle> need_counter(ESYS_CONTEXT* esys, const StorageRoot& root, std::uint32_t index, const PolicyKey& key,
                                const SignedPolicy& signed_policy) {
  if ((index & TPM2_HR_RANGE_MASK) != TPM2_HR_NV_INDEX) {
    return fail(Errc::usage, hex_number(index) + " is not an NV index, 0x01000000 to 0x01ffffff");
  }
  bool written = false;
  auto found = find(esys, index, key.name, written);
  if (!found && found.error().code == Errc::not_found) {
    ATTESTD_TRY(const EsysHandle session, start_session(esys, root.handle.get(), TPM2_SE_HMAC));
    ATTESTD_CHECK(define(esys, index, key.name, session));
    found = find(esys, index, key.name, written);
  }
  if (!found || written) return found;
  ATTESTD_CHECK(increment(esys, root, found->get(), key, signed_policy));
  // tpm2-tss gives the same handle for the same index: ours would close the other's.
  found->reset();
  return open_counter(esys, index, key.name);
}

Result<std::uint64_t> read_counter(ESYS_CONTEXT* esys, const EsysHandle& counter, const EsysHandle& session) {
  ATTESTD_CHECK(encrypt_next(esys, session, Encrypt::response));
  TPM2B_MAX_NV_BUFFER* raw = nullptr;
  ATTESTD_CHECK(tpm_check(Esys_NV_Read(esys, counter.get(), counter.get(), session.get(), ESYS_TR_NONE, ESYS_TR_NONE,
                                       counter_size, 0, &raw),
                          "read the TPM's counter"));
  const EsysPointer<TPM2B_MAX_NV_BUFFER> data(raw);
  Reader reader(contents(*data, data->buffer));
  return reader.be64("the TPM's counter");
}

Result<void> increment(ESYS_CONTEXT* esys, const StorageRoot& root, ESYS_TR counter, const PolicyKey& key,
                       const SignedPolicy& signed_policy) {
  ATTESTD_TRY(const EsysHandle policy, start_session(esys, root.handle.get(), TPM2_SE_POLICY));
  ATTESTD_CHECK(policy_authorize(esys, policy.get(), key, signed_policy));
  ATTESTD_CHECK(encrypt_next(esys, policy, Encrypt::none));
  return tpm_check(Esys_NV_Increment(esys, counter, counter, policy.get(), ESYS_TR_NONE, ESYS_TR_NONE),
                   "increment the TPM's counter");
}

Result<void> policy_counter(ESYS_CONTEXT* esys, const EsysHandle& policy, const EsysHandle& counter,
                            const EsysHandle& session, std::uint64_t value) {
  TPM2B_OPERAND operand = {};
  operand.size = fill(operand.buffer, Writer().be64(value).bytes());
  ATTESTD_CHECK(encrypt_next(esys, session, Encrypt::none));
  const TSS2_RC code = Esys_PolicyNV(esys, counter.get(), counter.get(), policy.get(), session.get(), ESYS_TR_NONE,
                                     ESYS_TR_NONE, &operand, 0, TPM2_EO_EQ);
  if (tpm_response_is(code, TPM2_RC_POLICY)) return fail(Errc::changed, "the TPM's counter changed just now");
  return tpm_check(code, "compare the TPM's counter");
}

}  // namespace attestd::vtpm
