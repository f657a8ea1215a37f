#include "evidence/bundle.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include "base/encoding.h"
#include "evidence/der.h"
#include "evidence/digest.h"
#include "evidence/json_internal.h"
#include "evidence/json_strict.h"

namespace attestd {
namespace json = boost::json;
namespace {

struct Part {
  std::string_view label;
  std::string_view media_type;
};

// RFC 9782 registers eat-ucs+json; the others are in docs/wire-format.md.
constexpr Part statement_part{"statement", "application/eat-ucs+json; eat_profile=\"tag:attestd,2026:statement:1\""};
constexpr Part inclusion_part{"inclusion", "application/vnd.attestd.inclusion+json"};
constexpr Part tpm_quote_part{"tpm-quote", "application/vnd.attestd.tpm-attest"};
constexpr Part tpm_signature_part{"tpm-signature", "application/vnd.attestd.tpm-signature"};
constexpr Part tpm_ak_part{"tpm-ak", "application/vnd.attestd.tpm-public"};
constexpr Part tpm_ak_certificate_part{"tpm-ak-certificate", "application/pkix-cert"};
constexpr Part tpm_pcrs_part{"tpm-pcrs", "application/vnd.attestd.tpm-pcrs+json"};
constexpr Part tpm_ak_chain_part{"tpm-ak-chain", "application/vnd.attestd.tpm-ak-chain"};
constexpr Part tpm_ek_part{"tpm-ek", "application/vnd.attestd.tpm-public"};
constexpr Part tpm_ek_certificate_part{"tpm-ek-certificate", "application/pkix-cert"};

// Parts that are their bytes and nothing else.
struct PlainPart {
  Part part;
  Bytes Bundle::* member;
};
constexpr std::array plain_parts{
    PlainPart{{"snp-report", "application/vnd.attestd.snp-report"}, &Bundle::snp_report},
    PlainPart{{"snp-certificates", "application/vnd.attestd.snp-certificates"}, &Bundle::snp_certificates},
    PlainPart{{"td-quote", "application/vnd.attestd.td-quote"}, &Bundle::td_quote},
    PlainPart{{"cc-event-log", "application/vnd.attestd.cc-event-log"}, &Bundle::cc_event_log},
    PlainPart{{"hcl-report", "application/vnd.attestd.hcl-report"}, &Bundle::hcl_report},
    PlainPart{{"nitro-document", "application/vnd.attestd.nitro-document"}, &Bundle::nitro_document},
    PlainPart{{"svsm-manifest", "application/vnd.attestd.svsm-manifest"}, &Bundle::svsm_manifest},
    PlainPart{{"certificates", "application/vnd.attestd.certificates"}, &Bundle::certificates},
    PlainPart{{"firmware-event-log", "application/vnd.attestd.tcg-event-log"}, &Bundle::firmware_event_log},
    PlainPart{{"userspace-event-log", "application/vnd.attestd.systemd-event-log"}, &Bundle::userspace_event_log},
};

constexpr std::string_view collection_type_member = "__cmwc_t";
constexpr std::size_t ak_chain_limit = 16;
constexpr std::size_t path_limit = 33;  // a tree of 2^32 leaves is 32 high

// draft-ietf-rats-msg-wrap, JSON record: [type, base64url value].
void add(json::object& collection, const Part& part, ByteView value) {
  collection[part.label] = json::array{part.media_type, to_base64url(value)};
}

void add_if(json::object& collection, const Part& part, ByteView value) {
  if (!value.empty()) add(collection, part, value);
}

std::string encode_inclusion(const InclusionProof& proof) {
  json::array path;
  for (const MerkleHash& hash : proof.path) path.emplace_back(to_base64url(hash));
  return json::serialize(
      json::object{{"leaf_index", proof.leaf_index}, {"tree_size", proof.tree_size}, {"path", std::move(path)}});
}

Result<InclusionProof> decode_inclusion(std::string_view text) {
  ATTESTD_TRY(const json::value document, parse_json(text));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(document, "inclusion"));
  InclusionProof proof;
  ATTESTD_TRY(proof.leaf_index, members.unsigned_integer("leaf_index", std::uint64_t{1} << 32U));
  ATTESTD_TRY(proof.tree_size, members.unsigned_integer("tree_size", std::uint64_t{1} << 32U));
  ATTESTD_TRY(const std::vector<std::string> path, members.strings("path", path_limit));
  for (const std::string& text_hash : path) {
    ATTESTD_TRY(const Bytes bytes, from_base64url(text_hash));
    MerkleHash hash;
    if (bytes.size() != hash.size()) return fail(Errc::out_of_range, "inclusion.path has a hash that is not 64 bytes");
    std::ranges::copy(bytes, hash.begin());
    proof.path.push_back(hash);
  }
  return proof;
}

// The value of a part, or nothing when the collection has no such label.
Result<std::optional<Bytes>> find_part(const json::object& collection, const Part& part) {
  const json::value* const value = collection.if_contains(part.label);
  if (value == nullptr) return std::optional<Bytes>();
  const std::string place = "bundle part '" + std::string(part.label) + "'";
  const json::array* const record = value->if_array();
  // The optional third element is the draft's indicator of what the message is.
  if (record == nullptr || record->size() < 2 || record->size() > 3 || !(*record)[0].is_string() ||
      !(*record)[1].is_string()) {
    return fail(Errc::malformed, place + " is not [media type, base64url text]");
  }
  const json::string& type = (*record)[0].get_string();
  if (std::string_view(type.data(), type.size()) != part.media_type) {
    return fail(Errc::malformed, place + " is not of media type " + std::string(part.media_type));
  }
  if (record->size() == 3 && !(*record)[2].is_int64()) {
    return fail(Errc::malformed, place + " has a third element that is not a number");
  }
  const json::string& text = (*record)[1].get_string();
  auto bytes = from_base64url(std::string_view(text.data(), text.size()));
  if (!bytes) return std::unexpected(std::move(bytes).error().in(place));
  return std::optional<Bytes>(*std::move(bytes));
}

Result<Bytes> optional_part(const json::object& collection, const Part& part) {
  ATTESTD_TRY(std::optional<Bytes> bytes, find_part(collection, part));
  return std::move(bytes).value_or(Bytes());
}

Result<Bytes> required_part(const json::object& collection, const Part& part) {
  ATTESTD_TRY(std::optional<Bytes> bytes, find_part(collection, part));
  if (!bytes) return fail(Errc::not_found, "bundle has no part '" + std::string(part.label) + "'");
  return *std::move(bytes);
}

Result<std::optional<TpmEvidence>> decode_tpm(const json::object& collection) {
  const std::array parts{tpm_quote_part,          tpm_signature_part, tpm_ak_part, tpm_pcrs_part,
                         tpm_ak_certificate_part, tpm_ak_chain_part,  tpm_ek_part, tpm_ek_certificate_part};
  if (std::ranges::none_of(parts, [&](const Part& part) { return collection.contains(part.label); })) {
    return std::optional<TpmEvidence>();
  }
  TpmEvidence tpm;
  ATTESTD_TRY(tpm.quote, required_part(collection, tpm_quote_part));
  ATTESTD_TRY(tpm.signature, required_part(collection, tpm_signature_part));
  ATTESTD_TRY(tpm.ak_public, required_part(collection, tpm_ak_part));
  ATTESTD_TRY(tpm.ak_certificate, optional_part(collection, tpm_ak_certificate_part));
  ATTESTD_TRY(const Bytes chain, optional_part(collection, tpm_ak_chain_part));
  auto certificates = split_der_sequences(chain, ak_chain_limit);
  if (!certificates) return std::unexpected(std::move(certificates).error().in("bundle part 'tpm-ak-chain'"));
  tpm.ak_chain = *std::move(certificates);
  ATTESTD_TRY(tpm.ek_public, optional_part(collection, tpm_ek_part));
  ATTESTD_TRY(tpm.ek_certificate, optional_part(collection, tpm_ek_certificate_part));
  ATTESTD_TRY(const Bytes pcrs, required_part(collection, tpm_pcrs_part));
  ATTESTD_CHECK(check_json(as_text(pcrs)));
  ATTESTD_TRY(tpm.pcrs, pcr_values_from_json(as_text(pcrs)));
  return std::optional<TpmEvidence>(std::move(tpm));
}

}  // namespace

std::string encode_bundle(const Bundle& bundle) {
  json::object out;
  out[collection_type_member] = bundle_collection_type;
  add(out, statement_part, bundle.statement);
  add(out, inclusion_part, as_bytes(encode_inclusion(bundle.inclusion)));
  for (const PlainPart& plain : plain_parts) add_if(out, plain.part, bundle.*plain.member);
  if (bundle.tpm) {
    add(out, tpm_quote_part, bundle.tpm->quote);
    add(out, tpm_signature_part, bundle.tpm->signature);
    add(out, tpm_ak_part, bundle.tpm->ak_public);
    add_if(out, tpm_ak_certificate_part, bundle.tpm->ak_certificate);
    add(out, tpm_pcrs_part, as_bytes(pcr_values_to_json(bundle.tpm->pcrs)));
    Writer chain;
    for (const Bytes& certificate : bundle.tpm->ak_chain) chain.raw(certificate);
    add_if(out, tpm_ak_chain_part, chain.bytes());
    add_if(out, tpm_ek_part, bundle.tpm->ek_public);
    add_if(out, tpm_ek_certificate_part, bundle.tpm->ek_certificate);
  }
  return json::serialize(out);
}

Result<Bundle> parse_bundle(std::string_view text) {
  if (text.size() > bundle_max_size) return fail(Errc::out_of_range, "bundle is larger than 32 MiB");
  auto document = parse_json(text);
  if (!document) return std::unexpected(std::move(document).error().in("bundle"));
  ATTESTD_TRY(const JsonMembers members, JsonMembers::of(*document, "bundle"));
  ATTESTD_TRY(const std::string type, members.string(collection_type_member));
  if (type != bundle_collection_type) {
    return fail(Errc::unsupported, "bundle is not a collection of type " + std::string(bundle_collection_type));
  }
  const json::object& collection = document->get_object();
  Bundle out;
  ATTESTD_TRY(out.statement, required_part(collection, statement_part));
  ATTESTD_TRY(const Bytes inclusion, required_part(collection, inclusion_part));
  ATTESTD_TRY(out.inclusion, decode_inclusion(as_text(inclusion)));
  for (const PlainPart& plain : plain_parts) {
    ATTESTD_TRY(out.*plain.member, optional_part(collection, plain.part));
  }
  ATTESTD_TRY(out.tpm, decode_tpm(collection));
  return out;
}

void take_parts(Bundle from, Bundle& into) {
  for (const PlainPart& plain : plain_parts) {
    if (!(from.*plain.member).empty()) into.*plain.member = std::move(from.*plain.member);
  }
  if (from.tpm) into.tpm = std::move(from.tpm);
}

bool has_hardware_report(const Bundle& bundle) {
  return !bundle.snp_report.empty() || !bundle.td_quote.empty() || !bundle.hcl_report.empty();
}

Result<MerkleHash> bundle_root(const Bundle& bundle) {
  return merkle_root(merkle_leaf(bundle.statement), bundle.inclusion);
}

Bytes quote_qualifying_data(const MerkleHash& root) { return digest(HashAlgorithm::sha256, {root}); }

}  // namespace attestd
