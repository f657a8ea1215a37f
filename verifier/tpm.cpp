#include "verifier/tpm.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/hex_number.h"
#include "base/text.h"
#include "verifier/tpm_key_internal.h"
#include "verifier/verification_cache_internal.h"

namespace attestd {
namespace {

Check make_check(std::string_view id, CheckResult result, std::string detail) {
  return {std::string(id), result, std::move(detail)};
}

struct AttestationKey {
  TpmKey key;
  std::optional<TpmPublic> area;  // nothing for PEM
};

Result<AttestationKey> read_key(ByteView ak, VerificationCache* cache) {
  AttestationKey out;
  const bool pem = as_text(ak).starts_with("-----BEGIN");
  if (!pem) {
    ATTESTD_TRY(out.area, parse_tpm_public(ak));
  }
  ATTESTD_TRY(out.key, made_once<TpmKey>(VerificationCache::Kind::tpm_key, ak, cache, EVP_PKEY_up_ref,
                                         [&] { return pem ? tpm_key_from_pem(ak) : tpm_key(*out.area); }));
  return out;
}

// The signature covers TPMS_ATTEST. A TPM2B_ATTEST starts with its size, a
// TPMS_ATTEST with the magic: 0xff54 as a size would need 65366 bytes more.
ByteView without_size(ByteView quote) {
  Reader reader(quote);
  const auto size = reader.be16("size");
  return size && *size == reader.remaining() && !as_text(quote).starts_with("\xff\x54\x43\x47") ? reader.rest() : quote;
}

Check ak_check(const Result<AttestationKey>& key) {
  constexpr std::string_view id = "tpm.ak";
  if (!key) return make_check(id, CheckResult::fail, key.error().text());
  if (!key->area) {
    return make_check(id, CheckResult::skipped,
                      "a PEM key does not say whether its TPM restricts it; give its TPMT_PUBLIC");
  }
  const std::string attributes = hex_number(key->area->attributes);
  if (!key->area->attestation_key()) {
    return make_check(
        id, CheckResult::fail,
        "not a restricted signing key fixed to its TPM (attributes " + attributes + "): it may sign what no TPM made");
  }
  return make_check(id, CheckResult::pass, "restricted signing key fixed to its TPM, name " + to_hex(key->area->name));
}

// TPMT_SIGNATURE, or the bare RSA signature that `tpm2_quote -f plain` and some
// cloud libraries keep: its size is the modulus's, its scheme and hash the key's
// or, where the key does not say, RSASSA and SHA-256. A wrong guess only fails.
Result<TpmSignature> read_signature(const Result<AttestationKey>& key, ByteView bytes) {
  auto signature = parse_tpm_signature(bytes);
  if (signature || !key || EVP_PKEY_is_a(key->key.get(), "RSA") != 1 ||
      bytes.size() != static_cast<std::size_t>(EVP_PKEY_get_size(key->key.get()))) {
    return signature;
  }
  TpmSignature plain{TpmSignature::Scheme::rsassa, HashAlgorithm::sha256, to_bytes(bytes), {}, {}};
  if (key->area && key->area->scheme == static_cast<std::uint16_t>(TpmSignature::Scheme::rsapss)) {
    plain.scheme = TpmSignature::Scheme::rsapss;
  }
  if (key->area && key->area->scheme_hash) plain.hash = *key->area->scheme_hash;
  return plain;
}

Check signature_check(const Result<AttestationKey>& key, ByteView quote, const Result<TpmSignature>& signature) {
  constexpr std::string_view id = "tpm.signature";
  if (!key) return make_check(id, CheckResult::fail, "no usable attestation key: " + key.error().text());
  if (!signature) return make_check(id, CheckResult::fail, "unreadable signature: " + signature.error().text());
  // A key bound to one scheme signs with no other (part 1 section B.2, C.4).
  if (key->area && key->area->scheme && *key->area->scheme != static_cast<std::uint16_t>(signature->scheme)) {
    return make_check(id, CheckResult::fail, "the signature's scheme is not the attestation key's");
  }
  if (key->area && key->area->scheme_hash && *key->area->scheme_hash != signature->hash) {
    return make_check(id, CheckResult::fail, "the signature's hash is not the attestation key's");
  }
  if (const auto verified = verify_tpm_signature(key->key.get(), *signature, quote); !verified) {
    return make_check(id, CheckResult::fail, verified.error().text());
  }
  return make_check(id, CheckResult::pass, "signed by the attestation key");
}

Check extra_data_check(const TpmInput& input, const std::optional<TpmQuote>& quote) {
  constexpr std::string_view id = "tpm.extra-data";
  if (!input.expected_extra_data) return make_check(id, CheckResult::skipped, "no expected qualifying data was given");
  if (!quote) return make_check(id, CheckResult::fail, "no readable quote");
  if (!constant_time_equal(*input.expected_extra_data, quote->extra_data)) {
    return make_check(
        id, CheckResult::fail,
        "the quote carries " + to_hex(quote->extra_data) + ", expected " + to_hex(*input.expected_extra_data));
  }
  return make_check(id, CheckResult::pass, "the quote carries the expected qualifying data");
}

// The composite hashes with the signing scheme's hash (part 3 section 18.4.1).
std::optional<HashAlgorithm> composite_hash(const Result<AttestationKey>& key, const Result<TpmSignature>& signature) {
  if (key && key->area && key->area->scheme_hash) return key->area->scheme_hash;
  return signature && hash_available(signature->hash) ? std::optional(signature->hash) : std::nullopt;
}

// Values outside the quote's selection are not covered by its digest: whoever
// sent them may have made them up, so they are dropped.
PcrValues restrict_to_selection(const PcrValues& values, const std::vector<PcrSelection>& selection) {
  PcrValues out;
  for (const PcrSelection& selected : selection) {
    const auto bank = values.find(selected.bank);
    if (bank == values.end()) continue;
    for (const unsigned index : selected.indices) {
      if (const auto value = bank->second.find(index); value != bank->second.end()) {
        out[selected.bank].insert_or_assign(index, value->second);
      }
    }
  }
  return out;
}

std::size_t count(const PcrValues& values) {
  std::size_t total = 0;
  for (const auto& [bank, registers] : values) total += registers.size();
  return total;
}

Check pcrs_check(const TpmInput& input, const TpmVerification& verified, std::optional<HashAlgorithm> hash) {
  constexpr std::string_view id = "tpm.pcrs";
  if (!input.pcrs) return make_check(id, CheckResult::skipped, "no PCR values were given");
  if (!verified.quote) return make_check(id, CheckResult::fail, "no readable quote");
  if (!hash) return make_check(id, CheckResult::fail, "the hash of the PCR digest is unknown");
  const auto composite = pcr_composite(*hash, verified.quote->selection, *verified.pcrs);
  if (!composite) return make_check(id, CheckResult::fail, composite.error().text());
  if (!constant_time_equal(*composite, verified.quote->pcr_digest)) {
    return make_check(
        id, CheckResult::fail,
        "the values hash to " + to_hex(*composite) + ", the quote says " + to_hex(verified.quote->pcr_digest));
  }
  const std::size_t dropped = count(*input.pcrs) - count(*verified.pcrs);
  std::string detail = std::to_string(count(*verified.pcrs)) + " values hash to the quote's digest";
  if (dropped > 0) detail += "; " + std::to_string(dropped) + " that it does not cover are ignored";
  return make_check(id, CheckResult::pass, std::move(detail));
}

// "PCR 8 of sha256"
std::string pcr_name(HashAlgorithm bank, unsigned index) {
  return "PCR " + std::to_string(index) + " of " + std::string(hash_name(bank));
}

// Registers that hold something no log accounts for.
bool at_rest(HashAlgorithm bank, unsigned index, const Bytes& value) { return value == pcr_initial_value(bank, index); }

// What the logs say of one bank: firmware events, then userspace's on top. PCR 0 is
// there whenever the firmware log covers the bank; without that log nothing is known of it.
PcrBank explained(const TpmVerification& verified, HashAlgorithm bank) {
  PcrBank values;
  if (verified.log) values = replay(*verified.log, bank);
  replay(verified.userspace_events, bank, values);
  return values;
}

// A register that a log touches must replay. One that no log touches passes, since
// PCRs have other users (GRUB without a log entry, IMA): the detail names it, and a
// policy can pin its value.
Check compare_logs(const TpmVerification& verified) {
  constexpr std::string_view id = "tpm.eventlog";
  std::vector<std::string> differing;
  std::vector<std::string> unexplained;
  std::size_t replayed = 0;
  for (const auto& [bank, registers] : *verified.pcrs) {
    if (!hash_available(bank)) return make_check(id, CheckResult::fail, "cannot compute the bank's hash");
    const PcrBank logged = explained(verified, bank);
    for (const auto& [index, value] : registers) {
      const auto expected = logged.find(index);
      if (expected == logged.end()) {
        if (!at_rest(bank, index, value)) unexplained.push_back(pcr_name(bank, index));
      } else if (constant_time_equal(expected->second, value)) {
        ++replayed;
      } else {
        differing.push_back(pcr_name(bank, index) + " is " + to_hex(value) + " but replays to " +
                            to_hex(expected->second));
      }
    }
  }
  if (!differing.empty()) return make_check(id, CheckResult::fail, joined(differing));
  const std::string rest = unexplained.empty() ? "" : "no log explains " + joined(unexplained);
  // Logs that speak of none of the quoted registers say nothing about them.
  if (replayed == 0) {
    return make_check(id, CheckResult::fail,
                      "the logs cover none of the quoted PCRs" + (rest.empty() ? "" : "; " + rest));
  }
  return make_check(id, CheckResult::pass,
                    std::to_string(replayed) + " quoted PCRs replay" + (rest.empty() ? "" : "; " + rest));
}

Check eventlog_check(const TpmInput& input, TpmVerification& verified) {
  constexpr std::string_view id = "tpm.eventlog";
  if (input.firmware_event_log.empty() && input.userspace_event_log.empty()) {
    return make_check(id, CheckResult::skipped, "no event log was given");
  }
  if (!input.firmware_event_log.empty()) {
    auto log = parse_event_log(input.firmware_event_log);
    if (!log) return make_check(id, CheckResult::fail, "unreadable firmware event log: " + log.error().text());
    verified.log = *std::move(log);
    verified.event_facts = decode_event_facts(*verified.log);
  }
  if (!input.userspace_event_log.empty()) {
    auto events = parse_userspace_log(input.userspace_event_log);
    if (!events) return make_check(id, CheckResult::fail, "unreadable userspace event log: " + events.error().text());
    verified.userspace_events = *std::move(events);
  }
  if (!verified.pcrs) return make_check(id, CheckResult::skipped, "no PCR values to compare with");
  return compare_logs(verified);
}

}  // namespace

TpmVerification verify_tpm(const TpmInput& input) {
  TpmVerification out;
  const ByteView attest = without_size(input.quote);
  const auto key = read_key(input.ak, input.cache);
  const auto signature = read_signature(key, input.signature);
  auto quote = parse_tpm_quote(attest);
  if (quote) {
    out.checks.push_back(signature_check(key, attest, signature));
    out.quote = *std::move(quote);
  } else {
    out.checks.push_back(make_check("tpm.signature", CheckResult::fail, "unreadable quote: " + quote.error().text()));
  }
  if (key) out.ak = key->area;
  out.checks.push_back(ak_check(key));
  out.checks.push_back(extra_data_check(input, out.quote));
  if (input.pcrs) out.pcrs = out.quote ? restrict_to_selection(*input.pcrs, out.quote->selection) : PcrValues{};
  out.checks.push_back(pcrs_check(input, out, composite_hash(key, signature)));
  // The log is compared with values that the quote proves; without that proof a match means nothing.
  Check eventlog = eventlog_check(input, out);
  const bool proven = std::ranges::all_of(out.checks, [](const Check& check) {
    return (check.id != "tpm.signature" && check.id != "tpm.pcrs") || check.result == CheckResult::pass;
  });
  if (eventlog.result == CheckResult::pass && !proven) {
    eventlog.result = CheckResult::fail;
    eventlog.detail = "the PCR values it would be compared with are not proven by the quote";
  }
  out.checks.push_back(std::move(eventlog));
  return out;
}

}  // namespace attestd
