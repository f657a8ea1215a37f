#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>

#include "base/encoding.h"
#include "base/hex_number.h"
#include "luks/json_fields_internal.h"
#include "luks/vtpm_binding_internal.h"

namespace attestd::luks {
namespace json = boost::json;
namespace {

constexpr std::uint64_t most_counts = (std::uint64_t{1} << 53U) - 2;  // one more is exact in every JSON reader too
constexpr std::uint64_t most_pcr = 23;
constexpr std::size_t index_digits = 8;
constexpr std::uint32_t first_index = 0x01000000;  // TPM 2.0 part 2, 7.4: TPM_HT_NV_INDEX
constexpr std::uint32_t last_index = 0x01ffffff;

template <std::size_t N>
Result<FixedBytes<N>> hex_of(const JsonMembers& members, std::string_view name) {
  ATTESTD_TRY(const std::string text, members.string(name));
  auto bytes = from_hex(text);
  if (!bytes) return std::unexpected(std::move(bytes).error().in(members.place(name)));
  // One text for one value.
  if (bytes->size() != N || to_hex(*bytes) != text) {
    return fail(Errc::malformed,
                members.place(name) + " is not " + std::to_string(2 * N) + " hexadecimal digits of lower case");
  }
  FixedBytes<N> out{};
  std::ranges::copy(*bytes, out.begin());
  return out;
}

Result<Bytes> blob_of(const JsonMembers& members, std::string_view name) {
  ATTESTD_TRY(const std::string text, members.string(name));
  auto bytes = from_base64(text);
  if (!bytes) return std::unexpected(std::move(bytes).error().in(members.place(name)));
  if (bytes->empty() || bytes->size() > sealed_blob_limit) {
    return fail(Errc::out_of_range, members.place(name) + " has not 1 to 768 bytes");
  }
  return bytes;
}

Result<std::vector<unsigned>> pcrs_of(const JsonMembers& members) {
  ATTESTD_TRY(const json::array* const list, members.array("pcrs", most_pcr + 1));
  std::vector<unsigned> out;
  for (const json::value& element : *list) {
    const auto* const number = element.if_int64();
    if (number == nullptr || *number < 0 || *number > std::int64_t{most_pcr} ||
        (!out.empty() && std::cmp_less_equal(*number, out.back()))) {
      return fail(Errc::malformed, members.place("pcrs") + " are not numbers of 0 to 23, ascending");
    }
    out.push_back(static_cast<unsigned>(*number));
  }
  if (out.empty()) return fail(Errc::malformed, members.place("pcrs") + " names no PCR");
  return out;
}

Result<VtpmCounter> counter_of(const json::value& value) {
  ATTESTD_TRY(const JsonMembers members, object_of(value, "attestd.vtpm.counter", {"index", "value", "next"}));
  VtpmCounter out;
  ATTESTD_TRY(const std::string index, members.string("index"));
  const std::size_t prefix = std::string_view("0x").size();
  const bool sized = index.size() == prefix + index_digits;
  const auto read = sized ? std::from_chars(index.data() + prefix, index.data() + index.size(), out.index, 16)
                          : std::from_chars_result{};
  if (!sized || read.ptr != index.data() + index.size() || hex_number(out.index) != index || out.index < first_index ||
      out.index > last_index) {
    return fail(Errc::malformed, members.place("index") + " is not an NV index, 0x01000000 to 0x01ffffff");
  }
  ATTESTD_TRY(out.value, members.unsigned_integer("value", most_counts));
  if (members.find("next") != nullptr) {
    ATTESTD_TRY(out.next, blob_of(members, "next"));
  }
  return out;
}

}  // namespace

Result<VtpmBinding> read_vtpm_binding(const json::value& value) {
  ATTESTD_TRY(const JsonMembers members,
              object_of(value, "attestd.vtpm", {"blob", "srk_name", "pcrs", "policy_key", "pin", "counter"}));
  VtpmBinding out;
  ATTESTD_TRY(out.blob, blob_of(members, "blob"));
  ATTESTD_TRY(out.srk_name, hex_of<tpm_name_size>(members, "srk_name"));
  ATTESTD_TRY(out.pcrs, pcrs_of(members));
  ATTESTD_TRY(out.policy_key, hex_of<32>(members, "policy_key"));
  ATTESTD_TRY(out.pin, members.boolean("pin"));
  if (const json::value* const counter = members.find("counter"); counter != nullptr) {
    ATTESTD_TRY(out.counter, counter_of(*counter));
  }
  return out;
}

json::object vtpm_binding_json(const VtpmBinding& binding) {
  json::array pcrs;
  for (const unsigned pcr : binding.pcrs) pcrs.emplace_back(pcr);
  json::object out = {{"blob", to_base64(binding.blob)},
                      {"srk_name", to_hex(binding.srk_name)},
                      {"pcrs", pcrs},
                      {"policy_key", to_hex(binding.policy_key)},
                      {"pin", binding.pin}};
  if (binding.counter) {
    json::object counter = {{"index", hex_number(binding.counter->index)}, {"value", binding.counter->value}};
    if (!binding.counter->next.empty()) counter["next"] = to_base64(binding.counter->next);
    out["counter"] = std::move(counter);
  }
  return out;
}

}  // namespace attestd::luks
