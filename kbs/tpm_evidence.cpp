// Evidence of the TEEs that have a TPM: "az-snp-vtpm", "az-tdx-vtpm" and "tpm".
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include "base/encoding.h"
#include "evidence/der.h"
#include "evidence/hcl_report.h"
#include "evidence/pem.h"
#include "evidence/td_quote.h"
#include "evidence/tpm_attest.h"
#include "kbs/evidence_internal.h"

namespace attestd::kbs {
namespace json = boost::json;
namespace {

constexpr std::size_t pcr_count = 24;
constexpr std::size_t pcr_size = 32;           // SHA-256
constexpr std::size_t part_max_size = 4096;    // bytes of a quote, a signature, a public key
constexpr std::size_t vcek_max_size = 8192;    // bytes of DER or PEM
constexpr std::size_t certificate_limit = 16;  // of a bundle
constexpr unsigned newest_version = 2;
constexpr std::string_view pem_begin = "-----BEGIN PUBLIC KEY-----\n";
constexpr std::string_view pem_end = "-----END PUBLIC KEY-----\n";
constexpr std::size_t pem_line = 64;  // RFC 7468 section 2

// Azure's quotes keep the bare RSA signature, always RSASSA with SHA-256.
Bytes signature_of_rsa(ByteView rsa) {
  Writer out;
  out.be16(static_cast<std::uint16_t>(TpmSignature::Scheme::rsassa));
  out.be16(static_cast<std::uint16_t>(HashAlgorithm::sha256));
  return out.be16(static_cast<std::uint16_t>(rsa.size())).raw(rsa).take();
}

Result<Bytes> rsa_of_signature(ByteView tpmt_signature) {
  ATTESTD_TRY(TpmSignature signature, parse_tpm_signature(tpmt_signature));
  if (signature.scheme != TpmSignature::Scheme::rsassa || signature.hash != HashAlgorithm::sha256) {
    return fail(Errc::unsupported, "the quote is not signed by RSASSA with SHA-256");
  }
  return std::move(signature.rsa);
}

// All 24 of SHA-256, in the order of their indices; `one` reads an element.
template <class One>
Result<PcrValues> parse_pcrs(const JsonMembers& quote, One one) {
  ATTESTD_TRY(const json::array* const elements, quote.array("pcrs", pcr_count));
  if (elements->size() != pcr_count) return fail(Errc::malformed, quote.place("pcrs") + " has not 24 elements");
  PcrBank bank;
  for (const json::value& element : *elements) {
    ATTESTD_TRY(Bytes value, one(element, quote.place("pcrs[]")));
    if (value.size() != pcr_size) return fail(Errc::malformed, quote.place("pcrs[]") + " has not 32 bytes");
    bank.emplace(static_cast<unsigned>(bank.size()), std::move(value));
  }
  return PcrValues{{HashAlgorithm::sha256, std::move(bank)}};
}

Result<Bytes> bytes_of_hex(const json::value& value, const std::string& place) {
  if (!value.is_string()) return fail(Errc::malformed, place + " is not a string");
  if (value.get_string().size() > 2 * part_max_size) return fail(Errc::out_of_range, place + " is too long");
  auto bytes = from_hex(value.get_string());
  if (!bytes) return std::unexpected(std::move(bytes).error().in(place));
  return bytes;
}

Result<Bytes> hex_member(const JsonMembers& members, std::string_view name) {
  ATTESTD_TRY(const json::value* const value, members.member(name));
  return bytes_of_hex(*value, members.place(name));
}

// Version 0: arrays of numbers. From 1 on: hex.
Result<TpmEvidence> parse_quote(const JsonMembers& members, std::string_view name, unsigned version) {
  ATTESTD_TRY(const json::value* const value, members.member(name));
  ATTESTD_TRY(const JsonMembers quote, JsonMembers::of(*value, members.place(name)));
  TpmEvidence out;
  Bytes rsa;
  if (version == 0) {
    ATTESTD_TRY(out.quote, array_member(quote, "message", 1, part_max_size));
    ATTESTD_TRY(rsa, array_member(quote, "signature", 1, part_max_size));
    ATTESTD_TRY(out.pcrs, parse_pcrs(quote, [](const json::value& element, const std::string& place) {
                  return bytes_of_array(element, place, pcr_size);
                }));
  } else {
    ATTESTD_TRY(out.quote, hex_member(quote, "message"));
    ATTESTD_TRY(rsa, hex_member(quote, "signature"));
    ATTESTD_TRY(out.pcrs, parse_pcrs(quote, bytes_of_hex));
  }
  out.signature = signature_of_rsa(rsa);
  return out;
}

Result<Bytes> part(const JsonMembers& members, std::string_view name, unsigned version, std::size_t limit) {
  if (version == 0) return array_member(members, name, 1, limit);
  return base64url_member(members, name, limit);
}

Result<Bytes> parse_vcek(const JsonMembers& members, unsigned version) {
  if (version != 0) return base64url_member(members, "vcek", vcek_max_size);
  ATTESTD_TRY(const std::string pem, members.string("vcek"));
  if (pem.size() > vcek_max_size) return fail(Errc::out_of_range, members.place("vcek") + " is too long");
  return to_bytes(pem);
}

Result<const TpmEvidence*> needed_tpm(const Bundle& bundle) {
  if (!bundle.tpm) return fail(Errc::not_found, "there is no TPM quote to send");
  return &*bundle.tpm;
}

Result<json::array> pcrs_to_json(const PcrValues& values) {
  const auto bank = values.find(HashAlgorithm::sha256);
  json::array out;
  for (unsigned index = 0; index < pcr_count; ++index) {
    if (bank == values.end() || !bank->second.contains(index)) {
      return fail(Errc::not_found, "there is no SHA-256 value of PCR " + std::to_string(index) + " to send");
    }
    out.emplace_back(to_hex(bank->second.at(index)));
  }
  return out;
}

// The first certificate that the metadata service gave is the VCEK.
Result<Bytes> vcek_of(ByteView certificates) {
  const bool pem = as_text(certificates).starts_with("-----BEGIN");
  ATTESTD_TRY(const std::vector<Bytes> all, pem ? certificates_from_pem(as_text(certificates))
                                                : split_der_sequences(certificates, certificate_limit));
  if (all.empty()) return fail(Errc::not_found, "there is no VCEK to send");
  return all.front();
}

std::string public_key_to_pem(ByteView spki) {
  const std::string text = to_base64(spki);
  std::string out(pem_begin);
  for (std::size_t at = 0; at < text.size(); at += pem_line) out += text.substr(at, pem_line) + "\n";
  return out.append(pem_end);
}

Result<Bytes> public_key_from_pem(std::string_view pem) {
  if (!pem.starts_with(pem_begin) || !pem.ends_with(pem_end)) {
    return fail(Errc::unsupported, "the attestation key is not a PEM public key");
  }
  std::string text(pem.substr(pem_begin.size(), pem.size() - pem_begin.size() - pem_end.size()));
  std::erase(text, '\n');
  return from_base64(text);
}

}  // namespace

Result<void> parse_azure_evidence(Tee tee, const JsonMembers& members, TrusteeEvidence& out) {
  const bool snp = tee == Tee::az_snp_vtpm;
  if (members.find("version") != nullptr) {
    ATTESTD_TRY(const std::uint64_t version, members.unsigned_integer("version", ~std::uint32_t{0}));
    if (version < 1 || version > newest_version) {
      return fail(Errc::unsupported, members.place("version") + " is neither 1 nor 2");
    }
    out.version = static_cast<unsigned>(version);
  }
  // Version 0 of the SNP evidence has names of its own.
  const bool old_names = snp && out.version == 0;
  ATTESTD_TRY(out.bundle.tpm, parse_quote(members, old_names ? "quote" : "tpm_quote", out.version));
  ATTESTD_TRY(out.bundle.hcl_report,
              part(members, old_names ? "report" : "hcl_report", out.version, hcl_report_max_size));
  if (snp) {
    ATTESTD_TRY(out.bundle.certificates, parse_vcek(members, out.version));
  } else {
    ATTESTD_TRY(out.bundle.td_quote, part(members, "td_quote", out.version, td_quote_max_size));
  }
  return {};
}

Result<std::string> encode_azure_evidence(Tee tee, const Bundle& bundle) {
  ATTESTD_TRY(const TpmEvidence* const tpm, needed_tpm(bundle));
  if (bundle.hcl_report.empty()) return fail(Errc::not_found, "there is no HCL report to send");
  ATTESTD_TRY(const Bytes rsa, rsa_of_signature(tpm->signature));
  ATTESTD_TRY(json::array pcrs, pcrs_to_json(tpm->pcrs));
  json::object out{{"version", newest_version}};
  out["tpm_quote"] =
      json::object{{"signature", to_hex(rsa)}, {"message", to_hex(tpm->quote)}, {"pcrs", std::move(pcrs)}};
  out["hcl_report"] = padded_base64url(bundle.hcl_report);
  if (tee == Tee::az_snp_vtpm) {
    ATTESTD_TRY(const Bytes vcek, vcek_of(bundle.certificates));
    out["vcek"] = padded_base64url(vcek);
  } else {
    if (bundle.td_quote.empty()) return fail(Errc::not_found, "there is no TD quote to send");
    out["td_quote"] = padded_base64url(bundle.td_quote);
  }
  return json::serialize(out);
}

Result<void> parse_tpm_evidence(const JsonMembers& members, TrusteeEvidence& out) {
  ATTESTD_TRY(const Bytes key, base64_member(members, "ak_public", part_max_size));
  ATTESTD_TRY(const json::value* const value, members.member("tpm_quote"));
  ATTESTD_TRY(const JsonMembers quote, JsonMembers::of(*value, members.place("tpm_quote")));
  TpmEvidence tpm;
  tpm.ak_public = to_bytes(public_key_to_pem(key));
  ATTESTD_TRY(tpm.quote, base64_member(quote, "message", part_max_size));
  ATTESTD_TRY(tpm.signature, base64_member(quote, "signature", part_max_size));
  ATTESTD_TRY(tpm.pcrs, parse_pcrs(quote, bytes_of_hex));
  out.bundle.tpm = std::move(tpm);
  return {};
}

Result<std::string> encode_tpm_evidence(const Bundle& bundle) {
  ATTESTD_TRY(const TpmEvidence* const tpm, needed_tpm(bundle));
  ATTESTD_TRY(const Bytes key, public_key_from_pem(as_text(tpm->ak_public)));
  ATTESTD_TRY(json::array pcrs, pcrs_to_json(tpm->pcrs));
  json::object quote{
      {"signature", to_base64(tpm->signature)}, {"message", to_base64(tpm->quote)}, {"pcrs", std::move(pcrs)}};
  return json::serialize(json::object{{"tpm_quote", std::move(quote)}, {"ak_public", to_base64(key)}});
}

}  // namespace attestd::kbs
