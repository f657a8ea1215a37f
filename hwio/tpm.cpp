#include "hwio/tpm.h"

#include <tss2/tss2_mu.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/hex_number.h"
#include "hwio/backoff.h"
#include "hwio/tpm_context.h"
#include "hwio/tpm_endorsement.h"
#include "hwio/tpm_pcrs.h"

namespace attestd::hwio {
namespace {

constexpr unsigned quote_attempts = 5;

// The key depends on this, so do not change a bit of it.
TPM2B_PUBLIC attestation_key_template() {
  TPM2B_PUBLIC out = restricted_signing_template(TPM2_ALG_ECC);
  TPMS_ECC_PARMS& parameters = out.publicArea.parameters.eccDetail;
  parameters.symmetric.algorithm = TPM2_ALG_NULL;
  parameters.scheme.scheme = TPM2_ALG_ECDSA;
  parameters.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  parameters.curveID = TPM2_ECC_NIST_P256;
  parameters.kdf.scheme = TPM2_ALG_NULL;
  return out;
}

Result<Bytes> marshal(const TPMT_SIGNATURE& signature) {
  Bytes out(sizeof(TPMT_SIGNATURE));
  size_t size = 0;
  ATTESTD_CHECK(tpm_check(
      Tss2_MU_TPMT_SIGNATURE_Marshal(&signature, reinterpret_cast<std::uint8_t*>(out.data()), out.size(), &size),
      "marshal the quote's signature"));
  out.resize(size);
  return out;
}

// What lasts as long as the connection does.
struct Session {
  TpmContext context;
  EsysHandle key;  // after the context: it goes first
  TpmAttestationKey attestation_key;
  LoadedKey endorsement_key;  // once it was asked for
  std::array<TPM2B_PUBLIC, 2> templates = {};
  TPML_PCR_SELECTION selection = {};
};

void use(Session& session, LoadedKey key) {
  session.key = std::move(key.handle);
  session.attestation_key.name = std::move(key.name);
  session.attestation_key.public_area = std::move(key.public_area);
}

Result<void> create_key(Session& session, const TpmOptions& options) {
  TPM2B_PUBLIC key_template = attestation_key_template();
  if (options.ak_template_nv) {
    ATTESTD_TRY(const Bytes stored, read_nv_index(session.context.get(), *options.ak_template_nv));
    ATTESTD_TRY(key_template, parse_key_template(stored));
  }
  session.templates.front() = key_template;
  ATTESTD_TRY(LoadedKey key, create_endorsement_primary(session.context.get(), key_template, session.templates,
                                                        "the attestation key"));
  use(session, std::move(key));
  return {};
}

Result<void> need_endorsement_key(Session& session) {
  if (!session.endorsement_key.public_area.empty()) return {};
  ATTESTD_TRY(session.endorsement_key, create_endorsement_primary(session.context.get(), endorsement_key_template(),
                                                                  session.templates, "the endorsement key"));
  return {};
}

// A key that the platform keeps in the TPM: Azure's vTPM has its own there.
Result<void> use_persistent_key(Session& session, std::uint32_t handle) {
  if ((handle & TPM2_HR_RANGE_MASK) != TPM2_HR_PERSISTENT) {
    return fail(Errc::usage, "the persistent key " + hex_number(handle) +
                                 " is not in the range of persistent handles, 0x81000000 to 0x81ffffff");
  }
  ATTESTD_TRY(LoadedKey key, open_persistent_key(session.context.get(), handle));
  use(session, std::move(key));
  return {};
}

Result<std::unique_ptr<Session>> open_session(const TpmOptions& options) {
  auto session = std::make_unique<Session>();
  ATTESTD_TRY(session->context, TpmContext::open(options.tcti));
  session->templates = {attestation_key_template(), endorsement_key_template()};
  ATTESTD_CHECK(options.ak_handle ? use_persistent_key(*session, *options.ak_handle) : create_key(*session, options));
  if (options.ak_certificate_nv) {
    ATTESTD_TRY(session->attestation_key.certificate,
                read_nv_index(session->context.get(), *options.ak_certificate_nv));
  }
  ATTESTD_TRY(session->selection, select_pcrs(session->context.get(), options.banks, options.pcrs));
  return session;
}

// The quote's own idea of its PCRs. Not a check of the TPM: the verifier does that.
Result<Bytes> quoted_digest(const TPM2B_ATTEST& quoted) {
  TPMS_ATTEST attest = {};
  size_t offset = 0;
  ATTESTD_CHECK(tpm_check(Tss2_MU_TPMS_ATTEST_Unmarshal(quoted.attestationData, quoted.size, &offset, &attest),
                          "unmarshal the TPM's quote"));
  if (attest.type != TPM2_ST_ATTEST_QUOTE) return fail(Errc::malformed, "the TPM returned something else than a quote");
  const TPM2B_DIGEST& digest = attest.attested.quote.pcrDigest;
  return to_bytes(std::as_bytes(std::span(digest.buffer, digest.size)));
}

Result<TpmQuoteResult> quote_once(const Session& session, const TPM2B_DATA& qualifying_data) {
  const TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_NULL, .details = {}};  // the key has its own
  TPM2B_ATTEST* raw_quoted = nullptr;
  TPMT_SIGNATURE* raw_signature = nullptr;
  ATTESTD_CHECK(
      tpm_check(Esys_Quote(session.context.get(), session.key.get(), ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                           &qualifying_data, &scheme, &session.selection, &raw_quoted, &raw_signature),
                "quote PCRs"));
  const EsysPointer<TPM2B_ATTEST> quoted(raw_quoted);
  const EsysPointer<TPMT_SIGNATURE> signature(raw_signature);
  TpmQuoteResult result;
  result.key = session.attestation_key;
  result.quote = to_bytes(std::as_bytes(std::span(quoted->attestationData, quoted->size)));
  ATTESTD_TRY(result.signature, marshal(*signature));
  ATTESTD_TRY(result.pcrs, read_pcrs(session.context.get(), session.selection));
  ATTESTD_TRY(const Bytes read, pcr_composite_digest(session.selection, result.pcrs));
  ATTESTD_TRY(const Bytes signed_digest, quoted_digest(*quoted));
  if (read != signed_digest) return fail(Errc::changed, "a PCR was extended between the quote and reading the PCRs");
  return result;
}

// A TCTI loader string is "NAME:CONFIGURATION", or a file name in NAME's place.
bool serves_many_clients(const std::string& tcti) {
  return tcti.starts_with("device:/dev/tpmrm") || tcti.starts_with("tabrmd") ||
         tcti.find("tcti-tabrmd") != std::string::npos;
}

class EsysTpm final : public Tpm {
 public:
  explicit EsysTpm(TpmOptions options)
      : options_(std::move(options)),
        close_after_call_(options_.close_after_call.value_or(!serves_many_clients(options_.tcti))) {}

  Result<TpmAttestationKey> attestation_key() override {
    return with_session([](const Session& session) -> Result<TpmAttestationKey> { return session.attestation_key; });
  }

  Result<TpmQuoteResult> quote(ByteView qualifying_data) override {
    // TPM 2.0 part 2, 10.4.3: at most a TPMT_HA, whose digest is SHA-256 everywhere.
    if (qualifying_data.empty() || qualifying_data.size() > 34) {
      return fail(Errc::usage, "qualifying data has 1 to 34 bytes, not " + std::to_string(qualifying_data.size()));
    }
    TPM2B_DATA data = {};
    data.size = static_cast<std::uint16_t>(qualifying_data.size());
    std::memcpy(data.buffer, qualifying_data.data(), qualifying_data.size());
    return with_session([&](const Session& session) {
      Backoff backoff(std::chrono::milliseconds(2), std::chrono::milliseconds(50));
      for (unsigned attempt = 1;; ++attempt) {
        auto result = quote_once(session, data);
        const bool again = !result && (result.error().code == Errc::changed || result.error().code == Errc::busy);
        if (!again || attempt == quote_attempts) return result;
        backoff.wait();
      }
    });
  }

  Result<Bytes> endorsement_key() override {
    return with_session([](Session& session) -> Result<Bytes> {
      ATTESTD_CHECK(need_endorsement_key(session));
      return session.endorsement_key.public_area;
    });
  }

  Result<Bytes> activate_credential(ByteView credential_blob, ByteView encrypted_secret) override {
    return with_session([&](Session& session) -> Result<Bytes> {
      ATTESTD_CHECK(need_endorsement_key(session));
      return hwio::activate_credential(session.context.get(), session.key.get(), session.endorsement_key.handle.get(),
                                       credential_blob, encrypted_secret);
    });
  }

  Result<Bytes> nv_read(std::uint32_t index) override {
    return with_session([&](const Session& session) { return read_nv_index(session.context.get(), index); });
  }

  Result<void> nv_write(std::uint32_t index, ByteView data) override {
    return with_session([&](const Session& session) { return write_nv_index(session.context.get(), index, data); });
  }

  [[nodiscard]] std::string where() const override { return options_.tcti; }

 private:
  // Whether the connection or the key may be what is wrong.
  static bool suspect(const Error& error) {
    return error.code == Errc::unavailable || error.code == Errc::tpm || error.code == Errc::timed_out ||
           error.code == Errc::malformed;
  }

  template <class Work>
  auto with_session(const Work& work) -> decltype(work(std::declval<Session&>())) {
    const bool fresh = session_ == nullptr;
    if (fresh) {
      ATTESTD_TRY(session_, open_session(options_));
    }
    auto result = work(*session_);
    if (!result && suspect(result.error())) {
      session_.reset();
      if (!fresh) return with_session(work);
    }
    if (close_after_call_) session_.reset();
    return result;
  }

  TpmOptions options_;
  bool close_after_call_;
  std::unique_ptr<Session> session_;
};

}  // namespace

std::unique_ptr<Tpm> Tpm::make(TpmOptions options) {
  // tpm2-tss writes errors to standard error that we report ourselves. It reads
  // this once, at its first message; whoever set it wants it.
  ::setenv("TSS2_LOG", "all+NONE", 0);  // NOLINT(concurrency-mt-unsafe): before any thread of ours
  return std::make_unique<EsysTpm>(std::move(options));
}

}  // namespace attestd::hwio
