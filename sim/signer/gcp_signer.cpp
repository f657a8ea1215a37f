#include "sim/signer/gcp_signer.h"

#include "sim/signer/certificate_builder_internal.h"
#include "sim/signer/pem_files_internal.h"
#include "verifier/tpm_key_internal.h"

namespace attestd::sim {

struct GcpSigner::Keys {
  openssl::Key root, attestation, endorsement;
};

struct GcpSigner::Chain {
  openssl::Certificate root, attestation, endorsement;
};

namespace {

constexpr unsigned rsa_bits = 2048;
constexpr std::int64_t a_day = 86400;
constexpr const char* instance_oid = "1.3.6.1.4.1.11129.2.1.21";
constexpr const char* unknown_oid = "1.3.6.1.4.1.99999.1";

CertificateSpec::Name google_name(const char* common_name) {
  return {{"C", "US"},
          {"ST", "California"},
          {"L", "Mountain View"},
          {"O", "attestd simulator"},
          {"OU", "Google Cloud"},
          {"CN", common_name}};
}
CertificateSpec::Name root_name() { return google_name("SIMULATED EK/AK CA Root"); }
// Both have the same name, as Google's do.
CertificateSpec::Name intermediate_name() { return google_name("SIMULATED EK/AK CA Intermediate"); }

Result<openssl::Key> make_rsa_key() {
  openssl::Key key(EVP_RSA_gen(rsa_bits));
  if (key == nullptr) return openssl::failure("cannot make an RSA key");
  return key;
}

Result<openssl::Certificate> make_root(const GcpSignerOptions& options, EVP_PKEY* key) {
  CertificateSpec spec;
  spec.issuer = spec.subject = root_name();
  spec.not_before = options.not_before;
  spec.not_after = options.not_after;
  spec.key = spec.issuer_key = key;
  spec.hash = EVP_sha256();
  spec.extensions = {{NID_key_usage, "critical,keyCertSign,cRLSign"},
                     {NID_basic_constraints, "critical,CA:TRUE"},
                     {NID_subject_key_identifier, "hash"}};
  return build_certificate(spec);
}

Result<openssl::Certificate> make_intermediate(const GcpSignerOptions& options, EVP_PKEY* key, EVP_PKEY* root_key,
                                               std::uint64_t serial) {
  CertificateSpec spec;
  spec.serial = serial;
  spec.issuer = root_name();
  spec.subject = intermediate_name();
  spec.not_before = options.not_before;
  spec.not_after = options.defects.intermediate_expired ? options.not_before + a_day : options.not_after;
  spec.key = key;
  spec.issuer_key = root_key;
  spec.hash = EVP_sha256();
  spec.extensions = {{NID_key_usage, "critical,keyCertSign,cRLSign"},
                     {NID_basic_constraints,
                      options.defects.intermediate_is_no_ca ? "critical,CA:FALSE" : "critical,CA:TRUE,pathlen:0"},
                     {NID_subject_key_identifier, "hash"}};
  return build_certificate(spec);
}

}  // namespace

GcpSigner::GcpSigner(GcpSignerOptions options, std::shared_ptr<const Keys> keys, std::unique_ptr<Chain> chain)
    : options_(std::move(options)), keys_(std::move(keys)), chain_(std::move(chain)) {}
GcpSigner::GcpSigner(GcpSigner&&) noexcept = default;
GcpSigner& GcpSigner::operator=(GcpSigner&&) noexcept = default;
GcpSigner::~GcpSigner() = default;

Result<GcpSigner> GcpSigner::issue(const GcpSignerOptions& options, std::shared_ptr<const Keys> keys,
                                   std::unique_ptr<Chain> chain) {
  if (!chain->root) {
    ATTESTD_TRY(chain->root, make_root(options, keys->root.get()));
  }
  ATTESTD_TRY(chain->attestation, make_intermediate(options, keys->attestation.get(), keys->root.get(), 2));
  ATTESTD_TRY(chain->endorsement, make_intermediate(options, keys->endorsement.get(), keys->root.get(), 3));
  return GcpSigner(options, std::move(keys), std::move(chain));
}

Result<GcpSigner> GcpSigner::mint(const GcpSignerOptions& options) {
  auto keys = std::make_shared<Keys>();
  ATTESTD_TRY(keys->root, make_rsa_key());
  ATTESTD_TRY(keys->attestation, make_rsa_key());
  ATTESTD_TRY(keys->endorsement, make_rsa_key());
  return issue(options, std::move(keys), std::make_unique<Chain>());
}

Result<GcpSigner> GcpSigner::reissue(const GcpSignerOptions& options) const {
  auto chain = std::make_unique<Chain>();
  // The root is what others pin.
  if (X509_up_ref(chain_->root.get()) != 1) return openssl::failure("cannot keep the root");
  chain->root.reset(chain_->root.get());
  return issue(options, keys_, std::move(chain));
}

Result<GcpSigner> GcpSigner::load(const std::string& folder, const GcpSignerOptions& options) {
  auto keys = std::make_shared<Keys>();
  ATTESTD_TRY(keys->root, load_key(folder + "/gcp-root.key"));
  ATTESTD_TRY(keys->attestation, load_key(folder + "/gcp-ak-ca.key"));
  ATTESTD_TRY(keys->endorsement, load_key(folder + "/gcp-ek-ca.key"));
  auto chain = std::make_unique<Chain>();
  ATTESTD_TRY(chain->root, load_certificate(folder + "/gcp-root.pem"));
  return issue(options, std::move(keys), std::move(chain));
}

Result<void> GcpSigner::save(const std::string& folder) const {
  ATTESTD_CHECK(make_key_folder(folder));
  ATTESTD_CHECK(save_key(folder + "/gcp-root.key", keys_->root.get()));
  ATTESTD_CHECK(save_key(folder + "/gcp-ak-ca.key", keys_->attestation.get()));
  ATTESTD_CHECK(save_key(folder + "/gcp-ek-ca.key", keys_->endorsement.get()));
  return save_certificate(folder + "/gcp-root.pem", chain_->root.get());
}

Result<Bytes> GcpSigner::certify(const TpmPublic& key, TpmKeyUse use) const {
  const GcpSignerOptions::Defects& defects = options_.defects;
  const bool attestation = use == TpmKeyUse::attestation;
  ATTESTD_TRY(const TpmKey subject, tpm_key(key));
  CertificateSpec spec;
  spec.serial = attestation ? 4 : 5;
  spec.issuer = intermediate_name();
  spec.subject = {{"L", options_.instance.zone},
                  {"O", "attestd simulator"},
                  {"OU", options_.instance.project_id},
                  {"CN", std::to_string(options_.instance.instance_id)}};
  spec.not_before = options_.not_before;
  spec.not_after = defects.leaf_expired ? options_.not_before + a_day : options_.not_after;
  spec.key = subject.get();
  spec.issuer_key = defects.signed_by_root_key ? keys_->root.get()
                    : attestation              ? keys_->attestation.get()
                                               : keys_->endorsement.get();
  spec.hash = defects.sha1 ? EVP_sha1() : EVP_sha256();
  spec.extensions = {
      {NID_key_usage, attestation != defects.other_usage ? "critical,digitalSignature" : "critical,keyEncipherment"},
      {NID_basic_constraints, defects.leaf_is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE"}};
  if (!defects.no_instance) spec.other_extensions.emplace_back(instance_oid, encode_gce_instance(options_.instance));
  ATTESTD_TRY(const openssl::Certificate certificate, build_certificate(spec));
  if (!defects.unknown_critical_extension) return openssl::to_der(i2d_X509, certificate.get());
  const openssl::Object oid(OBJ_txt2obj(unknown_oid, 1));
  const openssl::OctetString nothing(ASN1_OCTET_STRING_new());
  const openssl::Extension extension(X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 1, nothing.get()));
  if (!extension || X509_add_ext(certificate.get(), extension.get(), -1) != 1 ||
      X509_sign(certificate.get(), spec.issuer_key, spec.hash) <= 0) {
    return openssl::failure("cannot add an extension");
  }
  return openssl::to_der(i2d_X509, certificate.get());
}

Bytes GcpSigner::root_der() const { return openssl::to_der(i2d_X509, chain_->root.get()); }

Result<std::string> GcpSigner::root_pem() const {
  ATTESTD_TRY(const Bytes pem, certificate_pem(chain_->root.get()));
  return std::string(as_text(pem));
}

std::vector<Bytes> GcpSigner::chain(TpmKeyUse use) const {
  X509* const intermediate = use == TpmKeyUse::attestation ? chain_->attestation.get() : chain_->endorsement.get();
  return {openssl::to_der(i2d_X509, intermediate), root_der()};
}

Result<std::string> GcpSigner::chain_pem(TpmKeyUse use) const {
  X509* const intermediate = use == TpmKeyUse::attestation ? chain_->attestation.get() : chain_->endorsement.get();
  ATTESTD_TRY(const Bytes first, certificate_pem(intermediate));
  ATTESTD_TRY(const Bytes second, certificate_pem(chain_->root.get()));
  return std::string(as_text(first)) + std::string(as_text(second));
}

}  // namespace attestd::sim
