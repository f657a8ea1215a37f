#include "evidence/pcr.h"

#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <string>

#include "base/encoding.h"
#include "evidence/json_internal.h"

namespace attestd {
namespace {

// TCG PC Client Platform TPM Profile 1.05 section 4.6.2: 24 registers a bank.
constexpr unsigned pcr_count = 24;

// "0" to "23" and nothing else: "+1", "01" or " 1" would give two spellings of one register.
std::optional<unsigned> pcr_index(std::string_view text) {
  if (text.empty() || text.size() > 2 || (text.size() == 2 && text[0] == '0')) return std::nullopt;
  unsigned index = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    index = 10 * index + static_cast<unsigned>(c - '0');
  }
  return index < pcr_count ? std::optional(index) : std::nullopt;
}

Result<PcrBank> bank_from_json(HashAlgorithm algorithm, const boost::json::value& value) {
  const std::string name(hash_name(algorithm));
  if (!value.is_object()) return fail(Errc::malformed, "bank " + name + " is not an object");
  PcrBank bank;
  for (const auto& [key, digest_value] : value.get_object()) {
    const auto index = pcr_index(std::string_view(key.data(), key.size()));
    if (!index) return fail(Errc::out_of_range, "bank " + name + " has a register that is not 0 to 23");
    const std::string where = "PCR " + std::to_string(*index) + " of " + name;
    if (!digest_value.is_string()) return fail(Errc::malformed, where + " is not a string");
    const boost::json::string& hex = digest_value.get_string();
    auto bytes = from_hex(std::string_view(hex.data(), hex.size()));
    if (!bytes) return std::unexpected(std::move(bytes).error().in(where));
    if (bytes->size() != hash_size(algorithm)) {
      return fail(Errc::out_of_range, where + " has " + std::to_string(bytes->size()) + " bytes, not " +
                                          std::to_string(hash_size(algorithm)));
    }
    bank.emplace(*index, *std::move(bytes));
  }
  return bank;
}

}  // namespace

Bytes pcr_initial_value(HashAlgorithm bank, unsigned index) {
  const bool ones = index >= 17 && index <= 22;
  return Bytes(hash_size(bank), ones ? std::byte{0xff} : std::byte{0});
}

void pcr_extend(HashAlgorithm bank, Bytes& value, ByteView event_digest) {
  value = digest(bank, {value, event_digest});
}

Result<Bytes> pcr_composite(HashAlgorithm hash, const std::vector<PcrSelection>& selection, const PcrValues& values) {
  Bytes all;
  for (const PcrSelection& selected : selection) {
    const auto bank = values.find(selected.bank);
    for (const unsigned index : selected.indices) {
      const bool present = bank != values.end() && bank->second.contains(index);
      if (!present) {
        return fail(Errc::not_found,
                    "no value for PCR " + std::to_string(index) + " of bank " + std::string(hash_name(selected.bank)));
      }
      const Bytes& value = bank->second.at(index);
      all.insert(all.end(), value.begin(), value.end());
    }
  }
  return digest(hash, {all});
}

std::string pcr_values_to_json(const PcrValues& values) {
  // Names and hex need no escaping.
  std::string out = "{";
  for (const auto& [algorithm, bank] : values) {
    if (out.size() > 1) out += ',';
    out += '"' + std::string(hash_name(algorithm)) + "\":{";
    bool first = true;
    for (const auto& [index, value] : bank) {
      if (!first) out += ',';
      first = false;
      out += '"' + std::to_string(index) + "\":\"" + to_hex(value) + '"';
    }
    out += '}';
  }
  return out + '}';
}

Result<PcrValues> pcr_values_from_json(std::string_view json) {
  ATTESTD_TRY(const boost::json::value document, parse_json(json));
  if (!document.is_object()) return fail(Errc::malformed, "PCR values are not a JSON object");
  PcrValues values;
  for (const auto& [key, bank_value] : document.get_object()) {
    const auto algorithm = hash_from_name(std::string_view(key.data(), key.size()));
    if (!algorithm) return fail(Errc::unsupported, "PCR values have a bank of unknown name");
    ATTESTD_TRY(PcrBank bank, bank_from_json(*algorithm, bank_value));
    values.emplace(*algorithm, std::move(bank));
  }
  return values;
}

}  // namespace attestd
