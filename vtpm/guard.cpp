#include <tss2/tss2_mu.h>

#include <algorithm>

#include "hwio/tpm_pcrs.h"
#include "vtpm/guard_internal.h"

namespace attestd::vtpm {
namespace {

using hwio::EsysHandle, hwio::EsysPointer, hwio::tpm_check, hwio::tpm_error, hwio::tpm_response_is;

TPML_PCR_SELECTION selection_of(const std::vector<unsigned>& pcrs) {
  TPML_PCR_SELECTION out = {};
  out.count = 1;
  out.pcrSelections[0].hash = TPM2_ALG_SHA256;
  out.pcrSelections[0].sizeofSelect = static_cast<UINT8>(fill(out.pcrSelections[0].pcrSelect, pcr_bits(pcrs)));
  return out;
}

TPM2B_DIGEST sized_digest(ByteView bytes) {
  TPM2B_DIGEST out = {};
  out.size = fill(out.buffer, bytes);
  return out;
}

Result<TPMT_SIGNATURE> signature_of(const PolicyKey& key, ByteView bytes) {
  TPMT_SIGNATURE out = {};
  if (is_rsa(key)) {
    out.sigAlg = TPM2_ALG_RSASSA;
    out.signature.rsassa.hash = TPM2_ALG_SHA256;
    out.signature.rsassa.sig.size = fill(out.signature.rsassa.sig.buffer, bytes);
    return out;
  }
  ATTESTD_TRY(const EcdsaNumbers numbers, ecdsa_numbers(bytes));
  out.sigAlg = TPM2_ALG_ECDSA;
  out.signature.ecdsa.hash = TPM2_ALG_SHA256;
  out.signature.ecdsa.signatureR.size = fill(out.signature.ecdsa.signatureR.buffer, numbers.r);
  out.signature.ecdsa.signatureS.size = fill(out.signature.ecdsa.signatureS.buffer, numbers.s);
  return out;
}

const std::uint8_t* octets(ByteView bytes) { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }

std::unexpected<Error> malformed_blob(std::string_view why) {
  return fail(Errc::malformed, "the sealed blob is malformed: " + std::string(why));
}

}  // namespace

Result<PcrBank> read_bank(ESYS_CONTEXT* esys, const std::vector<unsigned>& pcrs) {
  ATTESTD_TRY(const TPML_PCR_SELECTION selection, hwio::select_pcrs(esys, {TPM2_ALG_SHA256}, pcrs));
  ATTESTD_TRY(hwio::TpmPcrs values, hwio::read_pcrs(esys, selection));
  return std::move(values[TPM2_ALG_SHA256]);
}

Result<void> policy_pcrs(ESYS_CONTEXT* esys, ESYS_TR session, const std::vector<unsigned>& pcrs,
                         const Digest& composite) {
  const TPM2B_DIGEST expected = sized_digest(composite);
  const TPML_PCR_SELECTION selection = selection_of(pcrs);
  const TSS2_RC code = Esys_PolicyPCR(esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &expected, &selection);
  if (tpm_response_is(code, TPM2_RC_VALUE)) return fail(Errc::changed, "a PCR was extended just now");
  return tpm_check(code, "name PCRs to the TPM");
}

Result<EsysHandle> load_policy_key(ESYS_CONTEXT* esys, const PolicyKey& key) {
  TPM2B_PUBLIC area = {};
  size_t offset = 0;
  ATTESTD_CHECK(tpm_check(
      Tss2_MU_TPMT_PUBLIC_Unmarshal(octets(key.public_area), key.public_area.size(), &offset, &area.publicArea),
      "unmarshal the policy key"));
  ESYS_TR handle = ESYS_TR_NONE;
  ATTESTD_CHECK(tpm_check(
      Esys_LoadExternal(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nullptr, &area, ESYS_TR_RH_OWNER, &handle),
      "load the policy key into the TPM"));
  return EsysHandle(esys, handle, EsysHandle::End::flush);
}

Result<void> policy_authorize(ESYS_CONTEXT* esys, ESYS_TR session, const PolicyKey& key,
                              const SignedPolicy& signed_policy) {
  ATTESTD_TRY(const Digest composite, composite_of(signed_policy.pcrs, signed_policy.values));
  ATTESTD_CHECK(policy_pcrs(esys, session, signed_policy.pcrs, composite));
  ATTESTD_TRY(const TPMT_SIGNATURE signature, signature_of(key, signed_policy.signature));
  ATTESTD_TRY(const EsysHandle loaded, load_policy_key(esys, key));
  // aHash of part 3, 23.16: the reference is empty.
  const TPM2B_DIGEST hashed = sized_digest(digest(HashAlgorithm::sha256, {signed_policy.policy}));
  TPMT_TK_VERIFIED* raw_ticket = nullptr;
  const TSS2_RC code = Esys_VerifySignature(esys, loaded.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &hashed,
                                            &signature, &raw_ticket);
  if (tpm_response_is(code, TPM2_RC_SIGNATURE)) {
    return fail(Errc::refused, "the PCR policy's signature is not by the policy key");
  }
  ATTESTD_CHECK(tpm_check(code, "have the TPM verify a PCR policy's signature"));
  const EsysPointer<TPMT_TK_VERIFIED> ticket(raw_ticket);
  const TPM2B_DIGEST approved = sized_digest(signed_policy.policy);
  const TPM2B_NONCE reference = {};
  TPM2B_NAME name = {};
  name.size = fill(name.name, key.name);
  return tpm_check(Esys_PolicyAuthorize(esys, session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &approved, &reference,
                                        &name, ticket.get()),
                   "have the TPM accept a signed PCR policy");
}

PinValue::PinValue(ByteView pin) {
  Bytes hashed = digest(HashAlgorithm::sha256, {pin});
  value_.size = fill(value_.buffer, hashed);
  wipe(hashed);
}

PinValue::~PinValue() { wipe(std::as_writable_bytes(std::span(&value_, 1))); }

Result<Blob> parse_blob(ByteView bytes) {
  Blob out;
  size_t offset = 0;
  if (Tss2_MU_TPM2B_PRIVATE_Unmarshal(octets(bytes), bytes.size(), &offset, &out.secret) != TSS2_RC_SUCCESS ||
      Tss2_MU_TPM2B_PUBLIC_Unmarshal(octets(bytes), bytes.size(), &offset, &out.area) != TSS2_RC_SUCCESS) {
    return malformed_blob("it is no TPM2B_PRIVATE and TPM2B_PUBLIC");
  }
  if (offset != bytes.size()) return malformed_blob("bytes follow it");
  const TPMT_PUBLIC& area = out.area.publicArea;
  constexpr TPMA_OBJECT fixed = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT;
  // Fixed: made in this TPM, and not brought there by somebody who knows it.
  if (area.type != TPM2_ALG_KEYEDHASH || area.nameAlg != TPM2_ALG_SHA256 ||
      (area.objectAttributes & (fixed | TPMA_OBJECT_USERWITHAUTH)) != fixed) {
    return malformed_blob("it is no secret that is fixed to its TPM and opens by policy only");
  }
  return out;
}

Result<EsysHandle> load_blob(ESYS_CONTEXT* esys, ESYS_TR parent, const EsysHandle& session, const Blob& blob) {
  ATTESTD_CHECK(encrypt_next(esys, session, Encrypt::none));
  ESYS_TR raw = ESYS_TR_NONE;
  const TSS2_RC code =
      Esys_Load(esys, parent, session.get(), ESYS_TR_NONE, ESYS_TR_NONE, &blob.secret, &blob.area, &raw);
  for (const TSS2_RC foreign : {TPM2_RC_INTEGRITY, TPM2_RC_SIZE, TPM2_RC_INSUFFICIENT, TPM2_RC_BINDING}) {
    if (tpm_response_is(code, foreign)) return malformed_blob("the TPM says that it is another's, or was altered");
  }
  ATTESTD_CHECK(tpm_check(code, "load the sealed blob into the TPM"));
  return EsysHandle(esys, raw, EsysHandle::End::flush);
}

Result<SecretBytes> take_out(ESYS_CONTEXT* esys, const EsysHandle& object, const EsysHandle& policy) {
  ATTESTD_CHECK(encrypt_next(esys, policy, Encrypt::response));
  TPM2B_SENSITIVE_DATA* raw = nullptr;
  const TSS2_RC code = Esys_Unseal(esys, object.get(), policy.get(), ESYS_TR_NONE, ESYS_TR_NONE, &raw);
  overwrite_answer(esys);
  if (tpm_response_is(code, TPM2_RC_AUTH_FAIL) || tpm_response_is(code, TPM2_RC_BAD_AUTH)) {
    return fail(Errc::permission, "the PIN is wrong");
  }
  if (tpm_response_is(code, TPM2_RC_LOCKOUT)) {
    return fail(Errc::throttled, "the TPM accepts no PIN for some time, after too many wrong ones");
  }
  if (tpm_response_is(code, TPM2_RC_POLICY_FAIL)) {
    return fail(Errc::refused, "the TPM does not release the secret: its policy is not met");
  }
  ATTESTD_CHECK(not_the_pin(tpm_check(code, "have the TPM release the secret")));
  const EsysPointer<TPM2B_SENSITIVE_DATA> data(raw);
  const std::span<std::byte> plain =
      std::as_writable_bytes(std::span(data->buffer, std::min<std::size_t>(data->size, sizeof data->buffer)));
  auto secret = SecretBytes::copy_of(plain);
  wipe(plain);
  return secret;
}

}  // namespace attestd::vtpm
