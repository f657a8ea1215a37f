// attest-broker policy.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/encoding.h"
#include "base/terminal.h"
#include "broker/admin.h"
#include "broker/admin_internal.h"
#include "verifier/policy.h"

namespace attestd::broker {
namespace json = boost::json;

Result<int> Admin::policy_put(const std::string& name, const std::string& file) {
  ATTESTD_TRY(const std::string toml, load_policy_text(file));
  std::int64_t version = 0;
  ATTESTD_CHECK(audited("policy put", name, [&](StoreTransaction& transaction) -> Result<void> {
    ATTESTD_TRY(version, transaction.put_policy(name, toml, now_s()));
    return {};
  }));
  ATTESTD_CHECK(print("policy " + printable(name) + " has version " + std::to_string(version) + "\n"));
  return 0;
}

Result<int> Admin::policy_list() {
  ATTESTD_TRY(const std::vector<StoredPolicy> all,
              read_from(*store_, [](const StoreReader& reader) { return reader.policies(); }));
  json::array array;
  std::string text;
  for (const StoredPolicy& one : all) {
    array.emplace_back(
        json::object{{"policy", one.name}, {"version", one.version}, {"created_at", to_rfc3339(one.created_at)}});
    text += printable(one.name) + "  version " + std::to_string(one.version) + ", since " + to_rfc3339(one.created_at) +
            "\n";
  }
  if (options_.json) {
    ATTESTD_CHECK(print_json(array));
  } else {
    ATTESTD_CHECK(print(all.empty() ? "there are no policies: attest-broker policy put\n" : text));
  }
  return 0;
}

Result<int> Admin::policy_show(const std::string& name) {
  ATTESTD_TRY(const StoredPolicy one,
              read_from(*store_, [&](const StoreReader& reader) { return reader.policy(name); }));
  // Exact bytes for a file; a terminal gets none of its own characters, comments may have any.
  ATTESTD_CHECK(print(stdout_is_terminal() ? printable_lines(one.toml) : one.toml));
  return 0;
}

Result<int> Admin::policy_remove(const std::string& name) {
  ATTESTD_CHECK(audited("policy remove", name,
                        [&](StoreTransaction& transaction) { return transaction.remove_policy(name, now_s()); }));
  ATTESTD_CHECK(print("policy " + printable(name) + " is removed\n"));
  return 0;
}

}  // namespace attestd::broker
