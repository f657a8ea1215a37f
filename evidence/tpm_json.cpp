#include "evidence/tpm_json.h"

#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/encoding.h"
#include "evidence/event_facts.h"
#include "evidence/event_json_internal.h"
#include "evidence/event_log_text_internal.h"
#include "evidence/json_strict.h"

namespace attestd {
namespace {

namespace json = boost::json;

json::string text(std::string_view value) { return json::string(value.data(), value.size()); }

json::object bank_object(const PcrBank& bank) {
  json::object out;
  for (const auto& [index, value] : bank) out[text(std::to_string(index))] = text(to_hex(value));
  return out;
}

json::object facts_object(const EventFacts& facts) {
  json::object out;
  out["secure_boot"] = facts.secure_boot ? json::value(*facts.secure_boot) : json::value(nullptr);
  out["secure_boot_detail"] = text(facts.secure_boot_detail);
  json::array texts;
  for (const EventFacts::Text& each : facts.texts) {
    texts.push_back(json::object{{"pcr", each.pcr}, {"text", text(each.text)}});
  }
  out["texts"] = std::move(texts);
  json::array mismatches;
  for (const std::size_t offset : facts.mismatches) mismatches.push_back(json::value(offset));
  out["mismatches"] = std::move(mismatches);
  return out;
}

constexpr auto attribute_names = std::to_array<std::pair<unsigned, const char*>>(
    // Part 2 section 8.3.2.
    {{1, "fixedTPM"},
     {2, "stClear"},
     {4, "fixedParent"},
     {5, "sensitiveDataOrigin"},
     {6, "userWithAuth"},
     {7, "adminWithPolicy"},
     {10, "noDA"},
     {11, "encryptedDuplication"},
     {16, "restricted"},
     {17, "decrypt"},
     {18, "sign"},
     {19, "x509sign"}});

}  // namespace

json::object digests_to_json(const std::vector<EventDigest>& digests) {
  json::object out;
  for (const EventDigest& each : digests) out[text(hash_name(each.algorithm))] = text(to_hex(each.value));
  return out;
}

json::object event_to_json(const Event& event, std::pair<const char*, json::value> place) {
  json::object out;
  out["offset"] = event.offset;
  out[place.first] = std::move(place.second);
  out["type"] = text(event_type_name(event.type));
  out["digests"] = digests_to_json(event.digests);
  out["data"] = text(to_hex(event.data));
  if (const auto plain = event_text(event.data)) out["text"] = text(*plain);
  out["data_matches"] = text(data_match_name(event_data_match(event)));
  return out;
}

std::string event_log_to_json(const EventLog& log) {
  json::object out;
  out["type"] = "tcg-event-log";
  out["crypto_agile"] = log.crypto_agile;
  json::array algorithms;
  json::object replayed;
  for (const HashAlgorithm algorithm : log.algorithms) {
    algorithms.push_back(text(hash_name(algorithm)));
    if (hash_available(algorithm)) replayed[text(hash_name(algorithm))] = bank_object(replay(log, algorithm));
  }
  out["algorithms"] = std::move(algorithms);
  out["startup_locality"] = log.startup_locality;
  out["padding"] = log.padding;
  json::array events;
  for (const Event& event : log.events) events.push_back(event_to_json(event, {"pcr", event.register_index}));
  out["events"] = std::move(events);
  out["facts"] = facts_object(decode_event_facts(log));
  out["replay"] = std::move(replayed);
  return json::serialize(out);
}

std::string userspace_log_to_json(const std::vector<UserspaceEvent>& events) {
  json::array list;
  for (const UserspaceEvent& event : events) {
    json::object out;
    out["pcr"] = event.pcr;
    out["event_type"] = text(to_valid_utf8(event.event_type));
    out["string"] = text(to_valid_utf8(event.string));
    out["digests"] = digests_to_json(event.digests);
    list.push_back(std::move(out));
  }
  return json::serialize(json::object{{"type", "userspace-event-log"}, {"events", std::move(list)}});
}

std::string tpm_quote_to_json(const TpmQuote& quote) {
  json::object out;
  out["type"] = "tpm-quote";
  out["qualified_signer"] = text(to_hex(quote.qualified_signer));
  out["extra_data"] = text(to_hex(quote.extra_data));
  out["clock_ms"] = quote.clock_ms;
  out["reset_count"] = quote.reset_count;
  out["restart_count"] = quote.restart_count;
  out["clock_safe"] = quote.clock_safe;
  out["firmware_version"] = quote.firmware_version;
  json::object selection;
  for (const PcrSelection& each : quote.selection) {
    json::array indices;
    for (const unsigned index : each.indices) indices.push_back(json::value(index));
    selection[text(hash_name(each.bank))] = std::move(indices);
  }
  out["pcr_selection"] = std::move(selection);
  out["pcr_digest"] = text(to_hex(quote.pcr_digest));
  return json::serialize(out);
}

std::string tpm_public_to_json(const TpmPublic& key) {
  json::object out;
  out["type"] = "tpm-public";
  out["key"] = text(tpm_key_kind(key));
  out["name"] = text(to_hex(key.name));
  out["name_algorithm"] = text(hash_name(key.name_algorithm));
  json::array attributes;
  for (const auto& [bit, name] : attribute_names) {
    if (((key.attributes >> bit) & 1U) != 0) attributes.push_back(json::value(name));
  }
  out["attributes"] = std::move(attributes);
  out["scheme"] = key.scheme ? text(tpm_scheme_name(*key.scheme)) : json::string("null");
  out["scheme_hash"] = key.scheme_hash ? text(hash_name(*key.scheme_hash)) : json::string("null");
  out["attestation_key"] = key.attestation_key();
  return json::serialize(out);
}

}  // namespace attestd
