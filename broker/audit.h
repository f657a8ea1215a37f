// The audit log: append-only records, each bound to all before it by its digest.
//   digest = SHA-256("attestd-audit-1" ‖ digest before ‖ seq as 64 bits, big-endian ‖ body)
// The digest before record 1 is 32 zero bytes. What is proven is the order and the bodies:
// the time that counts is the one in the body. Whoever can write the database can make a
// new chain, so keep head() somewhere else too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/database.h"

namespace attestd::broker {

using Sha256Digest = FixedBytes<32>;

// The last record; seq 0 is before the first.
struct AuditHead {
  std::int64_t seq = 0;
  Sha256Digest digest{};
};

inline constexpr std::size_t audit_body_limit = std::size_t{64} << 10U;

Sha256Digest audit_digest(const Sha256Digest& before, std::int64_t seq, std::string_view body);

// Errors: malformed, and those of Database.
Result<AuditHead> audit_head(Database& database);

// Records that one transaction appends, written all at once when it ends.
class AuditAppender {
 public:
  // In a transaction, which alone may append until it ends: the head is read once.
  explicit AuditAppender(Database& database) : database_(&database) {}

  // `at`: Unix time in s. `body`: one JSON value, kept as these exact bytes. The record it
  // will be, if the transaction is committed. Errors: malformed (no JSON), out_of_range
  // (over 64 KiB), and those of audit_head().
  Result<AuditHead> append(std::int64_t at, std::string body);

  // What was appended since `mark` is not.
  [[nodiscard]] std::size_t mark() const { return records_.size(); }
  void forget_since(std::size_t mark);

  // Before COMMIT.
  Result<void> write();

 private:
  struct Record {
    std::int64_t at;
    std::string body;
    AuditHead head;
  };
  Result<void> insert(std::size_t first, std::size_t count);

  Database* database_;
  std::optional<AuditHead> before_;
  std::vector<Record> records_;
};

struct AuditRecord {
  std::int64_t seq = 0;
  std::int64_t at = 0;  // Unix seconds
  std::string body;     // exact bytes
  Sha256Digest digest{};
};
// At most `count` records from `from` on, as they are: verify_chain() checks them.
Result<std::vector<AuditRecord>> read_audit(Database& database, std::int64_t from, std::int64_t count);

struct ChainCheck {
  AuditHead head;            // what the head says
  std::int64_t checked = 0;  // records that are good
  std::optional<std::int64_t> first_bad;
  std::string reason;  // one sentence, when there is a bad one
};

// Walks the records from `from` (1 or more) to the head as it was at the start, some at a
// time. `before`: the digest of record `from` - 1, as it was once kept elsewhere; without it
// that record's own is believed. Errors: usage, not_found (no record `from` - 1 to believe),
// and those of Database.
Result<ChainCheck> verify_chain(Database& database, std::int64_t from = 1,
                                const std::optional<Sha256Digest>& before = std::nullopt);

}  // namespace attestd::broker
