#include "sim/signer/nitro_signer.h"

#include <utility>

#include "evidence/cose_sign1.h"
#include "sim/signer/certificate_builder_internal.h"
#include "sim/signer/pem_files_internal.h"

namespace attestd::sim {

struct NitroSigner::Keys {
  openssl::Key root, regional, zonal, instance;
};

struct NitroSigner::Chain {
  openssl::Certificate root, regional, zonal, instance;
};

namespace {

constexpr std::size_t half_signature = 48;  // P-384
constexpr std::int64_t a_day = 86400;
constexpr std::uint64_t milliseconds = 1000;

CertificateSpec::Name name_of(const std::string& common_name) {
  return {{"C", "US"}, {"O", "attestd simulator"}, {"OU", "AWS"}, {"CN", "SIMULATED " + common_name}};
}

CertificateSpec ca(const NitroSignerOptions& options, const char* constraints) {
  CertificateSpec out;
  out.not_before = options.not_before;
  out.not_after = options.not_after;
  out.extensions = {{NID_basic_constraints, constraints}, {NID_key_usage, "critical,keyCertSign,cRLSign"}};
  return out;
}

}  // namespace

NitroSigner::NitroSigner(NitroSignerOptions options, std::shared_ptr<const Keys> keys, std::unique_ptr<Chain> chain)
    : options_(std::move(options)), keys_(std::move(keys)), chain_(std::move(chain)) {}
NitroSigner::NitroSigner(NitroSigner&&) noexcept = default;
NitroSigner& NitroSigner::operator=(NitroSigner&&) noexcept = default;
NitroSigner::~NitroSigner() = default;

Result<NitroSigner> NitroSigner::mint(const NitroSignerOptions& options) {
  auto keys = std::make_shared<Keys>();
  for (openssl::Key* const key : {&keys->root, &keys->regional, &keys->zonal, &keys->instance}) {
    ATTESTD_TRY(*key, make_ec_key("P-384"));
  }
  return issue(options, std::move(keys), std::make_unique<Chain>());
}

Result<NitroSigner> NitroSigner::reissue(const NitroSignerOptions& options) const {
  auto chain = std::make_unique<Chain>();
  chain->root.reset(X509_dup(chain_->root.get()));
  return issue(options, keys_, std::move(chain));
}

Result<NitroSigner> NitroSigner::issue(const NitroSignerOptions& options, std::shared_ptr<const Keys> keys,
                                       std::unique_ptr<Chain> chain) {
  const NitroSignerOptions::Defects& defects = options.defects;
  if (chain->root == nullptr) {
    CertificateSpec root = ca(options, "critical,CA:TRUE");
    root.issuer = root.subject = name_of("aws.nitro-enclaves");
    root.key = root.issuer_key = keys->root.get();
    ATTESTD_TRY(chain->root, build_certificate(root));
  }
  CertificateSpec regional = ca(options, "critical,CA:TRUE,pathlen:2");
  regional.serial = 2;
  regional.issuer = name_of("aws.nitro-enclaves");
  regional.subject = name_of("regional.aws.nitro-enclaves");
  regional.key = keys->regional.get();
  regional.issuer_key = keys->root.get();
  ATTESTD_TRY(chain->regional, build_certificate(regional));

  CertificateSpec zonal = ca(options, defects.zonal_is_no_ca       ? "critical,CA:FALSE"
                                      : defects.zonal_allows_no_ca ? "critical,CA:TRUE,pathlen:0"
                                                                   : "critical,CA:TRUE,pathlen:1");
  zonal.serial = 3;
  zonal.issuer = regional.subject;
  zonal.subject = name_of("zonal.aws.nitro-enclaves");
  zonal.key = keys->zonal.get();
  zonal.issuer_key = defects.zonal_signed_by_root_key ? keys->root.get() : keys->regional.get();
  if (defects.zonal_expired) zonal.not_after = options.not_before + a_day;
  if (defects.zonal_sha256) zonal.hash = EVP_sha256();
  ATTESTD_TRY(chain->zonal, build_certificate(zonal));

  CertificateSpec instance = ca(options, "critical,CA:TRUE,pathlen:0");
  instance.serial = 4;
  instance.issuer = zonal.subject;
  instance.subject = name_of(options.instance_id + ".aws.nitro-enclaves");
  instance.key = keys->instance.get();
  instance.issuer_key = keys->zonal.get();
  ATTESTD_TRY(chain->instance, build_certificate(instance));
  return NitroSigner(options, std::move(keys), std::move(chain));
}

Result<NitroSigner> NitroSigner::load(const std::string& folder, const NitroSignerOptions& options) {
  auto keys = std::make_shared<Keys>();
  auto chain = std::make_unique<Chain>();
  ATTESTD_TRY(keys->root, load_key(folder + "/root.key"));
  ATTESTD_TRY(keys->regional, load_key(folder + "/regional.key"));
  ATTESTD_TRY(keys->zonal, load_key(folder + "/zonal.key"));
  ATTESTD_TRY(keys->instance, load_key(folder + "/instance.key"));
  ATTESTD_TRY(chain->root, load_certificate(folder + "/root.pem"));
  return issue(options, std::move(keys), std::move(chain));
}

Result<void> NitroSigner::save(const std::string& folder) const {
  ATTESTD_CHECK(make_key_folder(folder));
  ATTESTD_CHECK(save_key(folder + "/root.key", keys_->root.get()));
  ATTESTD_CHECK(save_key(folder + "/regional.key", keys_->regional.get()));
  ATTESTD_CHECK(save_key(folder + "/zonal.key", keys_->zonal.get()));
  ATTESTD_CHECK(save_key(folder + "/instance.key", keys_->instance.get()));
  // Last: load() of a folder that was left half-written fails by its absence.
  return save_certificate(folder + "/root.pem", chain_->root.get());
}

Result<Bytes> NitroSigner::sign(NitroDocument document, std::int64_t now) const {
  const NitroSignerOptions::Defects& defects = options_.defects;
  ATTESTD_TRY(const openssl::Key key, make_ec_key(defects.leaf_on_p256 ? "P-256" : "P-384"));
  CertificateSpec leaf;
  leaf.serial = static_cast<std::uint64_t>(now);
  leaf.issuer = name_of(options_.instance_id + ".aws.nitro-enclaves");
  leaf.subject = name_of(options_.instance_id + "-tpm.aws");
  leaf.not_before = now - 1;
  leaf.not_after = now + options_.leaf_seconds;
  leaf.key = key.get();
  leaf.issuer_key = keys_->instance.get();
  leaf.extensions = {
      {NID_basic_constraints, defects.leaf_is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE"},
      {NID_key_usage, defects.leaf_may_not_sign ? "critical,keyAgreement" : "critical,digitalSignature"}};
  if (defects.unknown_critical_extension) {
    leaf.extensions.emplace_back(NID_netscape_comment, "critical,nothing that a verifier knows");
  }
  ATTESTD_TRY(const openssl::Certificate certificate, build_certificate(leaf));

  document.certificate = openssl::to_der(i2d_X509, certificate.get());
  document.cabundle.clear();
  for (const auto* one : {&chain_->root, &chain_->regional, &chain_->zonal, &chain_->instance}) {
    document.cabundle.push_back(openssl::to_der(i2d_X509, one->get()));
  }
  if (document.timestamp_ms == 0) document.timestamp_ms = static_cast<std::uint64_t>(now) * milliseconds;
  if (document.module_id.empty()) document.module_id = options_.instance_id + "-tpm0000000000000000";

  CoseSign1 message;
  message.algorithm = defects.algorithm != 0 ? defects.algorithm : cose_es384;
  message.protected_header = cose_protected_header(message.algorithm);
  message.payload = encode_nitro_document(document);
  EVP_PKEY* const signing_key = defects.signed_by_another_key ? keys_->instance.get() : key.get();
  if (defects.leaf_on_p256) {
    // Of the right size, so that only the curve is wrong.
    message.signature = Bytes(2 * half_signature, std::byte{1});
  } else {
    ATTESTD_TRY(message.signature, sign_ecdsa(signing_key, EVP_sha384(), message.to_be_signed(), half_signature));
  }
  return encode_cose_sign1(message);
}

Bytes NitroSigner::root_der() const { return openssl::to_der(i2d_X509, chain_->root.get()); }

Result<std::string> NitroSigner::root_pem() const {
  ATTESTD_TRY(const Bytes pem, certificate_pem(chain_->root.get()));
  return std::string(as_text(pem));
}

}  // namespace attestd::sim
