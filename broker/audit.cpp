#include "broker/audit.h"

#include <algorithm>

#include "evidence/digest.h"
#include "evidence/json_strict.h"

namespace attestd::broker {
namespace {

std::optional<Sha256Digest> as_digest(ByteView bytes) {
  Sha256Digest out{};
  if (bytes.size() != out.size()) return std::nullopt;
  std::ranges::copy(bytes, out.begin());
  return out;
}

// Rows of one INSERT: statements of few sizes, so that all are prepared once.
constexpr std::size_t rows_at_once = 32;
constexpr std::int64_t columns = 4;

std::string insertion(std::size_t rows) {
  std::string sql = "INSERT INTO audit (seq, at, body, digest) VALUES ";
  std::int64_t parameter = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    if (i > 0) sql += ", ";
    for (std::int64_t k = 0; k < columns; ++k) sql += (k == 0 ? "($" : ", $") + std::to_string(++parameter);
    sql += ")";
  }
  return sql;
}

// What a walk along the chain has found so far.
class Walk {
 public:
  Walk(ChainCheck& out, std::int64_t from, std::optional<Sha256Digest> before)
      : out_(&out), expected_(from), before_(before) {}

  // False when the walk is over.
  bool step(std::int64_t seq, std::string_view body, ByteView digest) {
    if (seq != expected_) return bad("is missing");
    const auto stored = as_digest(digest);
    if (!stored || *stored != audit_digest(*before_, seq, body)) return bad("does not follow from those before it");
    before_ = stored;
    ++expected_;
    ++out_->checked;
    return true;
  }
  // At the head, or beyond it when the chain has become shorter than it was.
  void finish() {
    if (expected_ != out_->head.seq + 1) {
      expected_ = std::min(expected_, out_->head.seq + 1);
      bad("is missing");
    } else if (*before_ != out_->head.digest) {
      --expected_;
      bad("is not the head of the chain");
    }
  }
  bool bad(std::string_view why) {
    out_->first_bad = expected_;
    out_->reason = "audit record " + std::to_string(expected_) + " " + std::string(why);
    return false;
  }
  [[nodiscard]] std::int64_t expected() const { return expected_; }

 private:
  ChainCheck* out_;
  std::int64_t expected_;
  std::optional<Sha256Digest> before_;
};

Result<Sha256Digest> digest_of(Database& database, std::int64_t seq) {
  if (seq == 0) return Sha256Digest{};
  ATTESTD_TRY(const Rows found, database.execute("SELECT digest FROM audit WHERE seq = $1", {seq}));
  if (found.rows.empty()) return fail(Errc::not_found, "there is no audit record " + std::to_string(seq));
  RowReader row(found.rows[0]);
  const auto digest = as_digest(row.bytes());
  ATTESTD_CHECK(row.done("the audit log"));
  if (!digest) return fail(Errc::malformed, "the digest of audit record " + std::to_string(seq) + " has not 32 bytes");
  return *digest;
}

}  // namespace

Sha256Digest audit_digest(const Sha256Digest& before, std::int64_t seq, std::string_view body) {
  const Bytes number = Writer().be64(static_cast<std::uint64_t>(seq)).take();
  return *as_digest(digest(HashAlgorithm::sha256, {as_bytes("attestd-audit-1"), before, number, as_bytes(body)}));
}

Result<AuditHead> audit_head(Database& database) {
  ATTESTD_TRY(const Rows found, database.execute("SELECT seq, digest FROM audit_head WHERE id = 1"));
  if (found.rows.size() != 1) return fail(Errc::malformed, "the audit log has no head");
  RowReader row(found.rows[0]);
  AuditHead out;
  out.seq = row.integer();
  const auto digest = as_digest(row.bytes());
  ATTESTD_CHECK(row.done("the head of the audit log"));
  if (!digest || out.seq < 0) return fail(Errc::malformed, "the head of the audit log is none");
  out.digest = *digest;
  return out;
}

Result<AuditHead> AuditAppender::append(std::int64_t at, std::string body) {
  if (body.size() > audit_body_limit) return fail(Errc::out_of_range, "an audit record has at most 64 KiB");
  if (auto json = check_json(body); !json) return std::unexpected(std::move(json).error().in("an audit record"));
  if (!before_) {
    ATTESTD_TRY(before_, audit_head(*database_));
  }
  const AuditHead& last = records_.empty() ? *before_ : records_.back().head;
  const std::int64_t seq = last.seq + 1;
  const AuditHead head{seq, audit_digest(last.digest, seq, body)};
  records_.push_back({at, std::move(body), head});
  return head;
}

void AuditAppender::forget_since(std::size_t mark) {
  records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(std::min(mark, records_.size())), records_.end());
}

Result<void> AuditAppender::insert(std::size_t first, std::size_t count) {
  std::vector<Value> parameters;
  parameters.reserve(count * columns);
  for (std::size_t i = first; i < first + count; ++i) {
    const Record& record = records_[i];
    parameters.insert(parameters.end(), {record.head.seq, record.at, record.body, to_bytes(record.head.digest)});
  }
  ATTESTD_TRY(const Rows done, database_->execute(insertion(count), parameters));
  if (done.changed != count) return fail(Errc::internal, "the database did not take an audit record");
  return {};
}

Result<void> AuditAppender::write() {
  if (records_.empty()) return {};
  std::size_t written = 0;
  for (; records_.size() - written >= rows_at_once; written += rows_at_once) {
    ATTESTD_CHECK(insert(written, rows_at_once));
  }
  for (; written < records_.size(); ++written) {
    ATTESTD_CHECK(insert(written, 1));
  }
  const AuditHead& head = records_.back().head;
  ATTESTD_TRY(const Rows moved,
              database_->execute("UPDATE audit_head SET seq = $1, digest = $2 WHERE id = 1 AND seq = $3",
                                 {head.seq, to_bytes(head.digest), before_->seq}));
  if (moved.changed == 0) return fail(Errc::internal, "somebody else appended to the audit log");
  return {};
}

Result<ChainCheck> verify_chain(Database& database, std::int64_t from, const std::optional<Sha256Digest>& before) {
  if (from < 1) return fail(Errc::usage, "audit records are numbered from 1");
  ChainCheck out;
  ATTESTD_TRY(out.head, audit_head(database));
  std::optional<Sha256Digest> start = before;
  if (!start) {
    ATTESTD_TRY(start, digest_of(database, from - 1));
  }
  Walk walk(out, from, start);
  constexpr std::int64_t piece = 1000;
  while (walk.expected() <= out.head.seq) {
    ATTESTD_TRY(
        const Rows found,
        database.execute("SELECT seq, body, digest FROM audit WHERE seq >= $1 AND seq <= $2 ORDER BY seq LIMIT $3",
                         {walk.expected(), out.head.seq, piece}));
    for (const Row& columns_of : found.rows) {
      RowReader row(columns_of);
      const std::int64_t seq = row.integer();
      const std::string body = row.text();
      const Bytes digest = row.bytes();
      if (!row.done("the audit log")) {
        walk.bad("has values of other types");
        return out;
      }
      if (!walk.step(seq, body, digest)) return out;
    }
    if (found.rows.empty()) break;
  }
  walk.finish();
  return out;
}

Result<std::vector<AuditRecord>> read_audit(Database& database, std::int64_t from, std::int64_t count) {
  ATTESTD_TRY(
      const Rows found,
      database.execute("SELECT seq, at, body, digest FROM audit WHERE seq >= $1 ORDER BY seq LIMIT $2", {from, count}));
  std::vector<AuditRecord> out;
  for (const Row& columns : found.rows) {
    RowReader row(columns);
    AuditRecord record;
    record.seq = row.integer();
    record.at = row.integer();
    record.body = row.text();
    const Bytes digest = row.bytes();
    ATTESTD_CHECK(row.done("an audit record"));
    if (digest.size() != record.digest.size())
      return fail(Errc::malformed, "an audit record's digest has not 32 bytes");
    std::ranges::copy(digest, record.digest.begin());
    out.push_back(std::move(record));
  }
  return out;
}

}  // namespace attestd::broker
