#include "evidence/event_facts.h"

#include <algorithm>
#include <array>

#include "evidence/event_log_text_internal.h"
#include "evidence/event_log_writer.h"
#include "evidence/event_names.h"

namespace attestd {
namespace {

// EFI_GLOBAL_VARIABLE 8be4df61-93ca-11d2-aa0d-00e098032b8c (UEFI 2.10 section 3.3), in memory order.
constexpr std::array<unsigned char, 16> efi_global_variable{0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                                            0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
constexpr unsigned secure_boot_pcr = 7;
constexpr std::size_t max_variable_name = 512;  // characters

struct UefiVariable {
  ByteView guid;
  std::string name;  // other characters than ASCII as '?'
  ByteView value;
};

// UEFI_VARIABLE_DATA (PFP 1.06 section 10.4.1): GUID, lengths of name (UTF-16
// characters) and value (bytes) as 64 bits each, name, value.
Result<UefiVariable> parse_variable(ByteView data) {
  Reader reader(data);
  UefiVariable variable;
  ATTESTD_TRY(variable.guid, reader.take(16, "variable GUID"));
  ATTESTD_TRY(const std::uint64_t name_length, reader.le64("variable name length"));
  ATTESTD_TRY(const std::uint64_t value_length, reader.le64("variable value length"));
  if (name_length > max_variable_name) return fail(Errc::out_of_range, "variable name is too long");
  for (std::uint64_t i = 0; i < name_length; ++i) {
    ATTESTD_TRY(const std::uint16_t unit, reader.le16("variable name"));
    variable.name += unit > 0 && unit < 0x80 ? static_cast<char>(unit) : '?';
  }
  if (value_length != reader.remaining()) return fail(Errc::malformed, "variable value has another size than its data");
  variable.value = reader.rest();
  return variable;
}

// The measured forms of a text: as it stands, without the NUL that ends it in the
// log, or for systemd-stub's UTF-16 (measured with the NUL, PFP names no rule for EV_IPL).
bool equals_any_form(const EventDigest& expected, const Event& event) {
  const ByteView data = event.data;
  if (digest(expected.algorithm, {data}) == expected.value) return true;
  if (event.type != ev_ipl && event.type != ev_efi_action && event.type != ev_action) return false;
  if (!data.empty() && data.back() == std::byte{0} &&
      digest(expected.algorithm, {data.first(data.size() - 1)}) == expected.value) {
    return true;
  }
  static constexpr std::array nul{std::byte{0}, std::byte{0}};
  const ByteView end(nul);
  return digest(expected.algorithm, {data, end.first(1)}) == expected.value ||
         digest(expected.algorithm, {data, end}) == expected.value;
}

// PFP 1.06 section 10.4.1, column "digest": H(event data) for these.
bool data_must_match(const Event& event) {
  switch (event.type) {
    case ev_separator:
    case ev_action:
    case ev_efi_action:
    case ev_s_crtm_version:
    case ev_efi_variable_driver_config:
    case ev_efi_variable_boot2: return true;
    default: return false;
  }
}

class SecureBootFinder {
 public:
  void look(const Event& event, DataMatch match) {
    if (event.register_index != secure_boot_pcr) return;
    // Section 3.3.4.8: the configuration comes before PCR 7's separator. Whatever follows
    // it was measured after the firmware handed over, by software that may lie.
    if (event.type == ev_separator) separated_ = true;
    if (event.type != ev_efi_variable_driver_config) return;
    const auto variable = parse_variable(event.data);
    if (!variable) {
      // Event data that is no UEFI_VARIABLE_DATA might hide the true event.
      trouble("an EV_EFI_VARIABLE_DRIVER_CONFIG event of PCR 7 is malformed");
      return;
    }
    if (variable->name != "SecureBoot" ||
        !std::ranges::equal(variable->guid, std::as_bytes(std::span(efi_global_variable)))) {
      return;
    }
    if (separated_) return trouble("SecureBoot is measured after PCR 7's separator");
    if (match != DataMatch::matches) return trouble("SecureBoot's data is not what was measured");
    // UEFI 2.10 section 3.3: one byte, 1 when enforcing. An absent variable is measured empty.
    const bool on = variable->value.size() == 1 && variable->value[0] == std::byte{1};
    const bool off = variable->value.empty() || (variable->value.size() == 1 && variable->value[0] == std::byte{0});
    if (!on && !off) return trouble("SecureBoot is neither 0 nor 1");
    if (state_ && *state_ != on) return trouble("SecureBoot is measured twice with different values");
    state_ = on;
  }

  void result(EventFacts& facts) const {
    if (!trouble_.empty()) {
      facts.secure_boot_detail = trouble_;
    } else if (!state_) {
      facts.secure_boot_detail = "the log has no SecureBoot event in PCR 7";
    } else {
      facts.secure_boot = state_;
      facts.secure_boot_detail = *state_ ? "SecureBoot is on" : "SecureBoot is off";
    }
  }

 private:
  void trouble(std::string_view what) {
    if (trouble_.empty()) trouble_ = what;
  }

  std::optional<bool> state_;
  bool separated_ = false;
  std::string trouble_;
};

}  // namespace

std::string_view data_match_name(DataMatch match) {
  switch (match) {
    case DataMatch::matches: return "matches";
    case DataMatch::differs: return "differs";
    case DataMatch::not_measured: return "not-measured";
    case DataMatch::other: break;
  }
  return "other";
}

DataMatch event_data_match(const Event& event) {
  if (event.type == ev_no_action) return DataMatch::not_measured;
  bool compared = false;
  bool equal = true;
  for (const EventDigest& candidate : event.digests) {
    if (!hash_available(candidate.algorithm)) continue;
    compared = true;
    // Every bank: a true digest in SHA-1 must not vouch for data that SHA-256 does not have.
    equal = equal && equals_any_form(candidate, event);
  }
  if (!compared) return DataMatch::other;
  if (equal) return DataMatch::matches;
  return data_must_match(event) ? DataMatch::differs : DataMatch::other;
}

EventFacts decode_event_facts(const EventLog& log) {
  EventFacts facts;
  SecureBootFinder secure_boot;
  for (const Event& event : log.events) {
    const DataMatch match = event_data_match(event);
    if (match == DataMatch::differs) facts.mismatches.push_back(event.offset);
    if (event.type == ev_ipl && match == DataMatch::matches) {
      if (auto text = event_text(event.data)) facts.texts.push_back({event.register_index, *std::move(text)});
    }
    secure_boot.look(event, match);
  }
  secure_boot.result(facts);
  return facts;
}

std::optional<bool> measured_secure_boot(const EventLog& log, HashAlgorithm bank, std::uint32_t register_index) {
  if (!hash_available(bank)) return std::nullopt;
  FixedBytes<16> guid{};
  std::ranges::copy(std::as_bytes(std::span(efi_global_variable)), guid.begin());
  const auto variable = [&](const Bytes& value) {
    return digest(bank, {encode_uefi_variable_data(guid, "SecureBoot", value)});
  };
  const Bytes on = variable(Bytes{std::byte{1}});
  const std::array off{variable(Bytes{std::byte{0}}), variable({})};  // absent is measured empty
  // PFP 1.06 section 3.3.2: zero, or ones after an error.
  const std::array separators{digest(bank, {Bytes(4, std::byte{0})}), digest(bank, {Bytes(4, std::byte{0xff})})};
  std::optional<bool> state;
  for (const Event& event : log.events) {
    if (event.type == ev_no_action || event.register_index != register_index) continue;
    const auto measured = std::ranges::find(event.digests, bank, &EventDigest::algorithm);
    if (measured == event.digests.end()) continue;
    if (std::ranges::find(separators, measured->value) != separators.end()) break;
    const bool is_on = measured->value == on;
    if (!is_on && std::ranges::find(off, measured->value) == off.end()) continue;
    if (state && *state != is_on) return std::nullopt;
    state = is_on;
  }
  return state;
}

}  // namespace attestd
