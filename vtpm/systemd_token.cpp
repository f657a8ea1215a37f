#include "vtpm/systemd_token.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "base/encoding.h"
#include "luks/json_fields_internal.h"
#include "luks/token.h"

namespace attestd::vtpm {
namespace json = boost::json;
namespace {

constexpr std::size_t pcr_count = 24;
constexpr std::size_t key_limit = 8192;  // bytes of PEM

Result<std::vector<unsigned>> pcrs_of(const JsonMembers& members, std::string_view name) {
  ATTESTD_TRY(const json::array* const list, members.array(name, pcr_count));
  std::vector<unsigned> out;
  for (const json::value& element : *list) {
    const auto* const number = element.if_int64();
    if (number == nullptr || *number < 0 || std::cmp_greater_equal(*number, pcr_count)) {
      return fail(Errc::malformed, members.place(name) + " has something else than 0 to 23");
    }
    out.push_back(static_cast<unsigned>(*number));
  }
  std::ranges::sort(out);
  if (std::ranges::adjacent_find(out) != out.end()) {
    return fail(Errc::malformed, members.place(name) + " names a PCR twice");
  }
  return out;
}

Result<Bytes> base64_of(const JsonMembers& members, std::string_view name, std::size_t limit) {
  ATTESTD_TRY(const std::string text, members.string(name));
  auto bytes = from_base64(text);
  if (!bytes) return std::unexpected(std::move(bytes).error().in(members.place(name)));
  if (bytes->empty() || bytes->size() > limit) {
    return fail(Errc::out_of_range, members.place(name) + " has not 1 to " + std::to_string(limit) + " bytes");
  }
  return bytes;
}

Result<void> check_members(const json::value& value) {
  for (const std::string_view later :
       {"tpm2_salt", "tpm2-salt", "tpm2_srk", "tpm2-srk", "tpm2_pcrlock", "tpm2_pcrlock_nv"}) {
    const auto* const object = value.if_object();
    if (object != nullptr && object->if_contains(later) != nullptr) {
      return fail(Errc::unsupported, "the token has " + std::string(later) +
                                         ", of a systemd later than 252: it opens in a way that we do not know");
    }
  }
  return {};
}

Result<void> read_kind(const JsonMembers& members, SystemdToken& out) {
  ATTESTD_TRY(const std::string type, members.string("type"));
  if (type != "systemd-tpm2") return fail(Errc::malformed, "the token is of another type than systemd-tpm2");
  ATTESTD_TRY(const std::string bank, members.optional_string("tpm2-pcr-bank"));
  if (!bank.empty() && bank != "sha256") return fail(Errc::unsupported, "the token's PCR bank is not sha256");
  ATTESTD_TRY(const std::string primary, members.optional_string("tpm2-primary-alg"));
  if (!primary.empty() && primary != "ecc" && primary != "rsa") {
    return fail(Errc::unsupported, "the token's primary key is neither ecc nor rsa");
  }
  out.rsa_primary = primary == "rsa";
  return {};
}

}  // namespace

Result<SystemdToken> parse_systemd_token(std::string_view text) {
  if (text.size() > 4 * luks::token_limit) return fail(Errc::out_of_range, "a systemd-tpm2 token has over 16384 bytes");
  ATTESTD_TRY(const json::value value, luks::parse_text(text));
  ATTESTD_CHECK(check_members(value));
  ATTESTD_TRY(const JsonMembers members,
              luks::object_of(value, "the token",
                              {"type", "keyslots", "tpm2-blob", "tpm2-pcrs", "tpm2-pcr-bank", "tpm2-primary-alg",
                               "tpm2-policy-hash", "tpm2-pin", "tpm2_pubkey", "tpm2_pubkey_pcrs"}));
  SystemdToken out;
  ATTESTD_CHECK(read_kind(members, out));
  ATTESTD_TRY(out.keyslots, luks::references(members, "keyslots"));
  ATTESTD_TRY(out.blob, base64_of(members, "tpm2-blob", luks::sealed_blob_limit));
  ATTESTD_TRY(out.pcrs, pcrs_of(members, "tpm2-pcrs"));
  ATTESTD_TRY(const std::string hash, members.string("tpm2-policy-hash"));
  ATTESTD_TRY(out.policy_hash, from_hex(hash));
  if (out.policy_hash.size() != 32) return fail(Errc::malformed, "tpm2-policy-hash has not 32 bytes");
  if (members.find("tpm2-pin") != nullptr) {
    ATTESTD_TRY(out.pin, members.boolean("tpm2-pin"));
  }
  const bool key = members.find("tpm2_pubkey") != nullptr;
  if (key != (members.find("tpm2_pubkey_pcrs") != nullptr)) {
    return fail(Errc::malformed, "the token has a policy key without PCRs, or the reverse");
  }
  if (!key) return out;
  ATTESTD_TRY(const Bytes pem, base64_of(members, "tpm2_pubkey", key_limit));
  out.policy_key = as_text(pem);
  ATTESTD_TRY(out.signed_pcrs, pcrs_of(members, "tpm2_pubkey_pcrs"));
  if (out.signed_pcrs.empty()) return fail(Errc::malformed, "tpm2_pubkey_pcrs names no PCR");
  return out;
}

}  // namespace attestd::vtpm
