// A policy that names no files any more.
#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "evidence/pem.h"
#include "verifier/policy.h"
#include "verifier/toml_internal.h"
#include "verifier/trust_root_file.h"

namespace attestd {
namespace {

constexpr std::size_t policy_limit = std::size_t{1} << 20U;  // bytes

// Where a position of toml++'s is in the text; columns are counted in characters, and a policy
// may have some beyond ASCII.
std::size_t offset_of(std::string_view text, toml::source_position at) {
  std::size_t offset = 0;
  for (toml::source_index line = 1; line < at.line && offset < text.size(); ++line) {
    offset = std::min(text.find('\n', offset), text.size() - 1) + 1;
  }
  for (toml::source_index column = 1; column < at.column && offset < text.size(); ++column) {
    ++offset;
    while (offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xc0U) == 0x80U) ++offset;
  }
  return offset;
}

Result<std::string> inline_array(const toml::array& names, const std::string& folder) {
  std::string out = "[";
  for (const toml::node& node : names) {
    const auto name = node.value_exact<std::string>();
    if (!name) return toml_error(node, Errc::malformed, "the name of a root is no text");
    const std::string path = name->starts_with('/') ? *name : folder + "/" + *name;
    ATTESTD_TRY(const std::vector<Bytes> certificates,
                is_inline_trust_root(*name) ? inline_trust_roots(*name) : load_trust_roots(path));
    for (const Bytes& der : certificates) {
      out += std::string(out.size() > 1 ? ", " : "") + "\"\"\"\n" + certificate_to_pem(der) + "\"\"\"";
    }
  }
  return out + "]";
}

}  // namespace

Result<std::string> load_policy_text(const std::string& path) {
  ATTESTD_TRY(const Bytes bytes, read_file(path, policy_limit));
  std::string text(as_text(bytes));
  const std::string parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent;
  auto table = parse_toml(text);
  if (!table) return std::unexpected(std::move(table).error().in(path));
  if (const toml::table* const trust = (*table)["trust"].as_table()) {
    struct Replacement {
      std::size_t from, to;
      std::string text;
    };
    std::vector<Replacement> replacements;
    for (const char* const key : {"roots", "vtpm-roots", "nitro-roots"}) {
      const toml::array* const names = (*trust)[key].as_array();
      if (names == nullptr) continue;
      const toml::source_region region = names->source();
      const std::size_t from = offset_of(text, region.begin);
      const std::size_t to = offset_of(text, region.end);
      if (from >= to || to > text.size() || text[from] != '[' || text[to - 1] != ']') {
        return fail(Errc::unsupported, path + ": cannot see where the list " + key + " ends: write it in one line");
      }
      ATTESTD_TRY(std::string pem, inline_array(*names, folder));
      replacements.push_back({from, to, std::move(pem)});
    }
    std::ranges::sort(replacements, std::greater(), &Replacement::from);
    for (const Replacement& one : replacements) text.replace(one.from, one.to - one.from, one.text);
  }
  auto policy = parse_policy(text, folder);
  if (!policy) return std::unexpected(std::move(policy).error().in(path));
  return text;
}

}  // namespace attestd
