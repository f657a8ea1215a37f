#include <algorithm>
#include <string>

#include "base/encoding.h"
#include "base/hex_number.h"
#include "evidence/event_facts.h"
#include "evidence/event_log_text_internal.h"
#include "evidence/tpm_json.h"

namespace attestd {
namespace {

std::string digest_lines(const std::vector<EventDigest>& digests) {
  std::string out;
  for (const EventDigest& each : digests) {
    out += "    " + std::string(hash_name(each.algorithm)) + " " + to_hex(each.value) + "\n";
  }
  return out;
}

}  // namespace

std::string escaped_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '\\') {
      out += c;
    } else {
      out += "\\x" + to_hex(Writer().u8(static_cast<unsigned char>(c)).bytes());
    }
  }
  return out;
}

std::string tpm_key_kind(const TpmPublic& key) {
  if (key.type == TpmPublic::Type::rsa) return "rsa" + std::to_string(key.rsa_bits);
  // Part 2 section 6.4 (TPM_ECC_CURVE).
  switch (key.curve) {
    case 3: return "ecc-p256";
    case 4: return "ecc-p384";
    case 5: return "ecc-p521";
    case 0x20: return "ecc-sm2";
    default: return "ecc-curve-" + std::to_string(key.curve);
  }
}

std::string tpm_scheme_name(std::uint16_t algorithm) {
  switch (algorithm) {
    case static_cast<std::uint16_t>(TpmSignature::Scheme::rsassa): return "rsassa";
    case static_cast<std::uint16_t>(TpmSignature::Scheme::rsapss): return "rsapss";
    case static_cast<std::uint16_t>(TpmSignature::Scheme::ecdsa): return "ecdsa";
    default: return hex_number(algorithm);
  }
}

// UTF-16LE as systemd-stub and sd-boot write it, or plain, without the NULs at its end.
std::optional<std::string> event_text(ByteView data) {
  const bool wide = data.size() >= 2 && data.size() % 2 == 0 && data[1] == std::byte{0};
  const std::size_t step = wide ? 2 : 1;
  std::string out;
  for (std::size_t i = 0; i < data.size(); i += step) {
    if (wide && data[i + 1] != std::byte{0}) return std::nullopt;
    out += static_cast<char>(data[i]);
  }
  while (!out.empty() && out.back() == '\0') out.pop_back();
  const bool printable =
      std::ranges::all_of(out, [](char c) { return (c >= ' ' && c <= '~') || c == '\t' || c == '\n'; });
  if (!printable || out.empty()) return std::nullopt;
  return out;
}

std::string event_to_text(const Event& event, const std::string& place) {
  std::string out = "  at " + std::to_string(event.offset) + ": " + place + " " + event_type_name(event.type);
  if (event_data_match(event) == DataMatch::differs) out += " (its data is NOT what was measured)";
  if (const auto plain = event_text(event.data)) out += " \"" + escaped_text(*plain) + "\"";
  return out + "\n" + digest_lines(event.digests);
}

std::string event_log_to_text(const EventLog& log) {
  std::string out = log.crypto_agile ? "TCG event log, crypto-agile" : "TCG event log, SHA-1 only";
  out += ", " + std::to_string(log.events.size()) + " events";
  if (log.startup_locality != 0) out += ", started from locality " + std::to_string(log.startup_locality);
  if (log.padding != 0) out += ", " + std::to_string(log.padding) + " bytes of padding";
  out += "\n";
  for (const Event& event : log.events) out += event_to_text(event, "PCR " + std::to_string(event.register_index));
  out += "Secure Boot: " + decode_event_facts(log).secure_boot_detail + "\n";
  for (const HashAlgorithm algorithm : log.algorithms) {
    out += "Replay of " + std::string(hash_name(algorithm)) + ":\n";
    for (const auto& [index, value] : replay(log, algorithm)) {
      out += "  PCR " + std::to_string(index) + (index < 10 ? "  " : " ") + to_hex(value) + "\n";
    }
  }
  return out;
}

std::string userspace_log_to_text(const std::vector<UserspaceEvent>& events) {
  std::string out = "userspace event log, " + std::to_string(events.size()) + " events\n";
  for (const UserspaceEvent& event : events) {
    out += "  PCR " + std::to_string(event.pcr) + " " + escaped_text(event.event_type) + " \"" +
           escaped_text(event.string) + "\"\n" + digest_lines(event.digests);
  }
  return out;
}

}  // namespace attestd
