// attest-broker audit.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/encoding.h"
#include "base/terminal.h"
#include "broker/admin.h"
#include "broker/admin_internal.h"

namespace attestd::broker {
namespace json = boost::json;

Result<int> Admin::audit_show(std::int64_t from, std::int64_t count) {
  ATTESTD_TRY(const std::vector<AuditRecord> records,
              read_from(*store_, [&](const StoreReader& reader) { return reader.audit_records(from, count); }));
  // One JSON text a line, as the chain has it.
  for (const AuditRecord& one : records) {
    ATTESTD_CHECK(print(options_.json ? printable_json(one.body) + "\n"
                                      : std::to_string(one.seq) + " " + printable_json(one.body) + "\n"));
  }
  return 0;
}

Result<int> Admin::audit_verify(std::int64_t from, const std::string& before) {
  std::optional<Sha256Digest> digest_before;
  if (!before.empty()) {
    ATTESTD_TRY(digest_before, digest_from_hex("--before", before));
  }
  ATTESTD_TRY(const ChainCheck check, store_->verify_chain(from, digest_before));
  if (options_.json) {
    json::object out{{"good", !check.first_bad},
                     {"checked", check.checked},
                     {"head", check.head.seq},
                     {"digest", to_hex(check.head.digest)}};
    if (check.first_bad) {
      out["first_bad"] = *check.first_bad;
      out["reason"] = check.reason;
    }
    ATTESTD_CHECK(print_json(out));
  } else if (check.first_bad) {
    ATTESTD_CHECK(print("record " + std::to_string(*check.first_bad) + " is bad: " + printable(check.reason) + "\n"));
  } else {
    ATTESTD_CHECK(print(std::to_string(check.checked) + " records are good; the head is " +
                        std::to_string(check.head.seq) + " " + to_hex(check.head.digest) + "\n"));
  }
  return check.first_bad ? 1 : 0;
}

Result<int> Admin::audit_head() {
  ATTESTD_TRY(const AuditHead head, read_from(*store_, [](const StoreReader& reader) { return reader.audit_head(); }));
  ATTESTD_CHECK(print(std::to_string(head.seq) + " " + to_hex(head.digest) + "\n"));
  return 0;
}

}  // namespace attestd::broker
