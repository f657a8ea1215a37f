#include "evidence/nitro_document.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "evidence/cbor.h"

namespace attestd {
namespace {

using Kind = CborValue::Kind;

// The sources give 1024 bytes for a certificate; ours is a limit on what we read.
constexpr std::size_t certificate_limit = 4096;
constexpr std::size_t chosen_limit = 1024;
constexpr std::size_t module_id_limit = 256;
constexpr std::size_t pcr_limit = 32;
constexpr std::size_t bundle_limit = 16;
constexpr std::string_view nitrotpm_pcrs = "nitrotpm_pcrs";
constexpr std::string_view enclave_pcrs = "pcrs";

constexpr std::pair<HashAlgorithm, std::string_view> digests[] = {
    {HashAlgorithm::sha256, "SHA256"}, {HashAlgorithm::sha384, "SHA384"}, {HashAlgorithm::sha512, "SHA512"}};

std::unexpected<Error> wrong(std::string_view member, std::string_view expected) {
  return fail(Errc::malformed, "attestation document: " + std::string(member) + " is not " + std::string(expected));
}

Result<const CborValue*> required(const CborValue& document, std::string_view name) {
  const CborValue* const value = document.find(name);
  if (value == nullptr) return fail(Errc::malformed, "attestation document has no " + std::string(name));
  return value;
}

Result<Bytes> certificate(const CborValue& value, std::string_view name) {
  if (value.kind != Kind::bytes || value.string.empty()) return wrong(name, "a certificate in DER");
  if (value.string.size() > certificate_limit) {
    return fail(Errc::out_of_range, "attestation document: a certificate of " + std::to_string(value.string.size()) +
                                        " bytes is over the limit of 4096");
  }
  return to_bytes(value.string);
}

Result<std::optional<Bytes>> chosen(const CborValue& document, std::string_view name) {
  const CborValue* const value = document.find(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (value->kind != Kind::bytes) return wrong(name, "a byte string");
  if (value->string.size() > chosen_limit) {
    return fail(Errc::out_of_range, "attestation document: " + std::string(name) + " has " +
                                        std::to_string(value->string.size()) + " bytes, more than 1024");
  }
  return to_bytes(value->string);
}

Result<HashAlgorithm> digest_of(const CborValue& value) {
  if (value.kind != Kind::text) return wrong("digest", "a text");
  const auto* const found =
      std::ranges::find(digests, as_text(value.string), [](const auto& entry) { return entry.second; });
  if (found == std::ranges::end(digests)) {
    return fail(Errc::unsupported, "attestation document: digest is none of SHA256, SHA384 and SHA512");
  }
  return found->first;
}

Result<std::map<unsigned, Bytes>> registers(const CborValue& value, std::string_view name, std::size_t size) {
  if (value.kind != Kind::map || value.members.empty() || value.members.size() > pcr_limit) {
    return wrong(name, "a map of 1 to 32 registers");
  }
  std::map<unsigned, Bytes> out;
  for (const CborMember& member : value.members) {
    if (member.key.kind != Kind::unsigned_integer || member.key.number >= pcr_limit) {
      return wrong(name, "a map by index, 0 to 31");
    }
    if (member.value.kind != Kind::bytes || member.value.string.size() != size) {
      return wrong(name, "a map to values of its digest's size, " + std::to_string(size) + " bytes");
    }
    out.emplace(static_cast<unsigned>(member.key.number), to_bytes(member.value.string));
  }
  return out;
}

}  // namespace

std::string_view nitro_kind_name(NitroKind kind) { return kind == NitroKind::nitrotpm ? "nitrotpm" : "enclave"; }

Result<NitroDocument> parse_nitro_document(ByteView payload) {
  ATTESTD_TRY(const CborValue document, parse_cbor(payload));
  if (document.kind != Kind::map) return fail(Errc::malformed, "attestation document is not a CBOR map");
  NitroDocument out;

  ATTESTD_TRY(const CborValue* const module, required(document, "module_id"));
  if (module->kind != Kind::text || module->string.empty() || module->string.size() > module_id_limit) {
    return wrong("module_id", "a text of 1 to 256 bytes");
  }
  out.module_id = as_text(module->string);
  ATTESTD_TRY(const CborValue* const timestamp, required(document, "timestamp"));
  if (timestamp->kind != Kind::unsigned_integer || timestamp->number == 0 ||
      timestamp->number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return wrong("timestamp", "a number of milliseconds above 0");
  }
  out.timestamp_ms = timestamp->number;
  ATTESTD_TRY(const CborValue* const digest, required(document, "digest"));
  ATTESTD_TRY(out.digest, digest_of(*digest));

  const CborValue* const tpm = document.find(nitrotpm_pcrs);
  const CborValue* const enclave = document.find(enclave_pcrs);
  if ((tpm == nullptr) == (enclave == nullptr)) {
    return fail(Errc::malformed, tpm == nullptr
                                     ? "attestation document has neither nitrotpm_pcrs nor pcrs"
                                     : "attestation document has registers of both kinds, nitrotpm_pcrs and pcrs");
  }
  out.kind = tpm != nullptr ? NitroKind::nitrotpm : NitroKind::enclave;
  ATTESTD_TRY(out.pcrs, tpm != nullptr ? registers(*tpm, nitrotpm_pcrs, hash_size(out.digest))
                                       : registers(*enclave, enclave_pcrs, hash_size(out.digest)));

  ATTESTD_TRY(const CborValue* const leaf, required(document, "certificate"));
  ATTESTD_TRY(out.certificate, certificate(*leaf, "certificate"));
  ATTESTD_TRY(const CborValue* const bundle, required(document, "cabundle"));
  if (bundle->kind != Kind::array || bundle->items.empty() || bundle->items.size() > bundle_limit) {
    return wrong("cabundle", "an array of 1 to 16 certificates");
  }
  for (const CborValue& item : bundle->items) {
    ATTESTD_TRY(Bytes der, certificate(item, "cabundle"));
    out.cabundle.push_back(std::move(der));
  }
  ATTESTD_TRY(out.public_key, chosen(document, "public_key"));
  ATTESTD_TRY(out.user_data, chosen(document, "user_data"));
  ATTESTD_TRY(out.nonce, chosen(document, "nonce"));
  return out;
}

Bytes encode_nitro_document(const NitroDocument& document) {
  const auto* const digest = std::ranges::find(digests, document.digest, [](const auto& entry) { return entry.first; });
  CborWriter out;
  out.map(9);
  out.text("module_id").text(document.module_id);
  out.text("digest").text(digest == std::ranges::end(digests) ? std::string_view() : digest->second);
  out.text("timestamp").unsigned_integer(document.timestamp_ms);
  out.text(document.kind == NitroKind::nitrotpm ? nitrotpm_pcrs : enclave_pcrs).map(document.pcrs.size());
  for (const auto& [index, value] : document.pcrs) out.unsigned_integer(index).bytes(value);
  out.text("certificate").bytes(document.certificate);
  out.text("cabundle").array(document.cabundle.size());
  for (const Bytes& der : document.cabundle) out.bytes(der);
  const std::pair<std::string_view, const std::optional<Bytes>&> chosen_members[] = {
      {"public_key", document.public_key}, {"user_data", document.user_data}, {"nonce", document.nonce}};
  for (const auto& [name, value] : chosen_members) {
    out.text(name).bytes_or_null(value);
  }
  return out.take();
}

}  // namespace attestd
