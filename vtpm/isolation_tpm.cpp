#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <tss2/tss2_mu.h>

#include <algorithm>

#include "base/openssl_internal.h"
#include "base/random.h"
#include "hwio/tpm_endorsement.h"
#include "vtpm/isolation.h"
#include "vtpm/storage_root_internal.h"

namespace attestd::vtpm {
namespace {

using hwio::EsysHandle, hwio::EsysPointer, hwio::tpm_check;
using ParameterBuilder = openssl::Handle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Parameters = openssl::Handle<OSSL_PARAM, OSSL_PARAM_free>;

constexpr std::size_t nonce_size = 32;

Result<openssl::Key> rsa_key(const HclKey& key) {
  const openssl::Number modulus(BN_bin2bn(openssl::data(key.modulus), static_cast<int>(key.modulus.size()), nullptr));
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  if (!modulus || !builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_uint32(builder.get(), OSSL_PKEY_PARAM_RSA_E, key.exponent) != 1) {
    return openssl::failure("cannot take the paravisor's key");
  }
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const openssl::KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* raw = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return openssl::failure("cannot take the paravisor's key");
  }
  return openssl::Key(raw);
}

Result<void> check_rsa(const HclKey& key, ByteView message, const TPMT_SIGNATURE& signature) {
  if (signature.sigAlg != TPM2_ALG_RSASSA || signature.signature.rsassa.hash != TPM2_ALG_SHA256) {
    return fail(Errc::unsupported, "the TPM's attestation key signs by another scheme than RSASSA with SHA-256");
  }
  ATTESTD_TRY(const openssl::Key handle, rsa_key(key));
  const openssl::DigestContext context(EVP_MD_CTX_new());
  const TPM2B_PUBLIC_KEY_RSA& bytes = signature.signature.rsassa.sig;
  const ByteView signed_by = contents(bytes, bytes.buffer);
  const bool good = context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, handle.get()) == 1 &&
                    EVP_DigestVerify(context.get(), openssl::data(signed_by), signed_by.size(), openssl::data(message),
                                     message.size()) == 1;
  ERR_clear_error();
  if (!good) return fail(Errc::refused, "the TPM's attestation key is not the one that the paravisor's report names");
  return {};
}

// TPMS_ATTEST of TPM2_Certify, part 2, 10.12.12.
Result<void> check_certified(const TPM2B_ATTEST& certified, ByteView nonce, ByteView name) {
  TPMS_ATTEST attest = {};
  size_t offset = 0;
  ATTESTD_CHECK(tpm_check(Tss2_MU_TPMS_ATTEST_Unmarshal(certified.attestationData, certified.size, &offset, &attest),
                          "unmarshal the TPM's certificate"));
  const TPM2B_NAME& found = attest.attested.certify.name;
  if (attest.magic != TPM2_GENERATED_VALUE || attest.type != TPM2_ST_ATTEST_CERTIFY ||
      !std::ranges::equal(contents(attest.extraData, attest.extraData.buffer), nonce) ||
      !std::ranges::equal(contents(found, found.name), name)) {
    return fail(Errc::refused, "the TPM's attestation key certifies something else than its storage root key");
  }
  return {};
}

}  // namespace

Result<void> prove_endorsement(const std::string& tcti, ByteView endorsement_area, ByteView srk_name) {
  ATTESTD_TRY(const hwio::TpmContext context, hwio::TpmContext::open(tcti));
  ESYS_CONTEXT* const esys = context.get();
  const TPM2B_PUBLIC key_template = hwio::endorsement_key_template();
  ATTESTD_TRY(const hwio::LoadedKey key,
              hwio::create_endorsement_primary(esys, key_template, std::span(&key_template, 1), "the endorsement key"));
  ATTESTD_TRY(const KnownPublic known, known_public(esys, key.handle.get()));
  if (!std::ranges::equal(known.area, endorsement_area)) {
    return fail(Errc::refused, "this TPM has another endorsement key than the SVSM attests: it is the host's");
  }
  ATTESTD_TRY(const StorageRoot root, open_storage_root(esys, srk_name));
  // Only who has that endorsement key finds the session's key, and so the HMAC over this answer.
  ATTESTD_TRY(const EsysHandle session, start_session(esys, key.handle.get(), TPM2_SE_HMAC));
  ATTESTD_CHECK(encrypt_next(esys, session, Encrypt::response));
  TPM2B_NAME* raw_name = nullptr;
  ATTESTD_CHECK(tpm_check(
      Esys_ReadPublic(esys, root.handle.get(), session.get(), ESYS_TR_NONE, ESYS_TR_NONE, nullptr, &raw_name, nullptr),
      "have the endorsement key's holder show the storage root key"));
  const EsysPointer<TPM2B_NAME> name(raw_name);
  if (std::ranges::equal(contents(*name, name->name), srk_name)) return {};
  return fail(Errc::refused, "the attested TPM has another storage root key than the volume was enrolled with");
}

Result<void> prove_attestation_key(const std::string& tcti, const HclKey& key, ByteView srk_name) {
  ATTESTD_TRY(const hwio::TpmContext context, hwio::TpmContext::open(tcti));
  ESYS_CONTEXT* const esys = context.get();
  ATTESTD_TRY(const StorageRoot root, open_storage_root(esys, srk_name));
  ATTESTD_TRY(const hwio::LoadedKey signer, hwio::open_persistent_key(esys, hcl_ak_handle));
  ATTESTD_TRY(const Bytes nonce, random_bytes(nonce_size));
  TPM2B_DATA qualifying = {};
  qualifying.size = fill(qualifying.buffer, nonce);
  TPMT_SIG_SCHEME scheme = {};
  scheme.scheme = TPM2_ALG_NULL;  // the key has its own
  TPM2B_ATTEST* raw_attest = nullptr;
  TPMT_SIGNATURE* raw_signature = nullptr;
  ATTESTD_CHECK(tpm_check(Esys_Certify(esys, root.handle.get(), signer.handle.get(), ESYS_TR_PASSWORD, ESYS_TR_PASSWORD,
                                       ESYS_TR_NONE, &qualifying, &scheme, &raw_attest, &raw_signature),
                          "have the attestation key certify the storage root key"));
  const EsysPointer<TPM2B_ATTEST> attest(raw_attest);
  const EsysPointer<TPMT_SIGNATURE> signature(raw_signature);
  ATTESTD_CHECK(check_rsa(key, contents(*attest, attest->attestationData), *signature));
  return check_certified(*attest, nonce, srk_name);
}

}  // namespace attestd::vtpm
