#include <algorithm>
#include <optional>

#include "base/openssl_internal.h"
#include "evidence/tpm_attest.h"
#include "vtpm/guard_internal.h"
#include "vtpm/systemd_token.h"

namespace attestd::vtpm {
namespace {

using hwio::EsysHandle, hwio::tpm_check;

constexpr std::uint16_t rsa_bits = 2048;
constexpr std::uint16_t aes_bits = 128;

// Its own templates, not the TCG's: no noDA, and nothing in `unique`.
TPM2B_PUBLIC primary_template(bool rsa) {
  TPM2B_PUBLIC out = {};
  TPMT_PUBLIC& area = out.publicArea;
  area.type = rsa ? TPM2_ALG_RSA : TPM2_ALG_ECC;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                          TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
  TPMT_SYM_DEF_OBJECT& symmetric = rsa ? area.parameters.rsaDetail.symmetric : area.parameters.eccDetail.symmetric;
  symmetric.algorithm = TPM2_ALG_AES;
  symmetric.keyBits.aes = aes_bits;
  symmetric.mode.aes = TPM2_ALG_CFB;
  if (rsa) {
    area.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
    area.parameters.rsaDetail.keyBits = rsa_bits;
  } else {
    area.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
    area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
    area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
  }
  return out;
}

Result<EsysHandle> make_primary(ESYS_CONTEXT* esys, const SystemdRequest& request) {
  const TPM2B_SENSITIVE_CREATE in_sensitive = {};
  const TPM2B_PUBLIC key_template = primary_template(request.token.rsa_primary);
  const TPM2B_DATA outside_info = {};
  const TPML_PCR_SELECTION creation_pcrs = {};
  ESYS_TR raw = ESYS_TR_NONE;
  ATTESTD_CHECK(tpm_check(
      Esys_CreatePrimary(esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &in_sensitive,
                         &key_template, &outside_info, &creation_pcrs, &raw, nullptr, nullptr, nullptr, nullptr),
      "create systemd's primary key in the TPM"));
  EsysHandle out(esys, raw, EsysHandle::End::flush);
  ATTESTD_TRY(const KnownPublic known, known_public(esys, raw));
  if (!request.primary_name.empty() && known.name != request.primary_name) {
    return fail(Errc::mismatch,
                "the TPM's primary key is not the expected one: the TPM was cleared since then, or is another");
  }
  return out;
}

// In tpm2_unseal()'s order: the signed policy, the literal PCRs, the PIN.
Result<EsysHandle> meet_policy(ESYS_CONTEXT* esys, ESYS_TR primary, const SystemdRequest& request) {
  const SystemdToken& token = request.token;
  ATTESTD_TRY(EsysHandle policy, start_session(esys, primary, TPM2_SE_POLICY));
  if (!token.policy_key.empty()) {
    ATTESTD_TRY(const PolicyKey key, read_policy_key(token.policy_key));
    ATTESTD_TRY(const std::vector<SignedPolicy> policies, parse_signed_policies(request.signatures));
    ATTESTD_TRY(const PcrBank bank, read_bank(esys, token.signed_pcrs));
    ATTESTD_TRY(const SignedPolicy found, find_policy(policies, key, token.signed_pcrs, bank));
    ATTESTD_CHECK(policy_authorize(esys, policy.get(), key, found));
  }
  if (!token.pcrs.empty()) {
    ATTESTD_TRY(const PcrBank bank, read_bank(esys, token.pcrs));
    ATTESTD_TRY(const Digest composite, composite_of(token.pcrs, bank));
    ATTESTD_CHECK(policy_pcrs(esys, policy.get(), token.pcrs, composite));
  }
  if (token.pin) {
    ATTESTD_CHECK(tpm_check(Esys_PolicyAuthValue(esys, policy.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE),
                            "announce a PIN"));
  }
  return policy;
}

// The TPM compares too; asking first tells a changed boot from a wrong PIN.
Result<void> check_policy(ESYS_CONTEXT* esys, const EsysHandle& policy, const SystemdToken& token) {
  TPM2B_DIGEST* raw = nullptr;
  ATTESTD_CHECK(tpm_check(Esys_PolicyGetDigest(esys, policy.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &raw),
                          "read a policy"));
  const hwio::EsysPointer<TPM2B_DIGEST> digest(raw);
  if (std::ranges::equal(contents(*digest, digest->buffer), token.policy_hash)) return {};
  return fail(Errc::refused, "this boot is not the one that systemd-cryptenroll sealed to: its PCRs differ");
}

// All but the last step, which tells a wrong PIN.
struct Loaded {
  hwio::TpmContext context;
  EsysHandle object;
  EsysHandle policy;
};
Result<Loaded> load(const SystemdRequest& request) {
  Loaded out;
  ATTESTD_TRY(const Blob blob, parse_blob(request.token.blob));
  ATTESTD_TRY(out.context, hwio::TpmContext::open(request.tcti));
  ESYS_CONTEXT* const esys = out.context.get();
  ATTESTD_TRY(const EsysHandle primary, make_primary(esys, request));
  ATTESTD_TRY(const EsysHandle session, start_session(esys, primary.get(), TPM2_SE_HMAC));
  ATTESTD_TRY(out.object, load_blob(esys, primary.get(), session, blob));
  if (request.token.pin) {
    const PinValue pin(request.pin.view());
    ATTESTD_CHECK(tpm_check(Esys_TR_SetAuth(esys, out.object.get(), &pin.get()), "keep the PIN"));
  }
  ATTESTD_TRY(out.policy, meet_policy(esys, primary.get(), request));
  ATTESTD_CHECK(check_policy(esys, out.policy, request.token));
  return out;
}

Result<SecretBytes> in_base64(const SecretBytes& secret) {
  // Four characters for three bytes, and EVP_EncodeBlock()'s zero.
  ATTESTD_TRY(SecretBytes out, SecretBytes::make((secret.size() + 2) / 3 * 4 + 1));
  const int size =
      EVP_EncodeBlock(openssl::writable(out.writable()), openssl::data(secret.view()), static_cast<int>(secret.size()));
  out.shrink(static_cast<std::size_t>(size));
  return out;
}

}  // namespace

Result<SecretBytes> unseal_systemd(const SystemdRequest& request) {
  if (request.token.pin && request.pin.empty()) {
    return fail(Errc::permission, "the volume wants a PIN, and none was given");
  }
  ATTESTD_TRY(const Loaded loaded, not_the_pin(load(request)));
  ATTESTD_TRY(const SecretBytes secret, take_out(loaded.context.get(), loaded.object, loaded.policy));
  return in_base64(secret);
}

}  // namespace attestd::vtpm
