#include "verifier/tdx.h"

#include <algorithm>
#include <memory>

#include "base/encoding.h"
#include "evidence/digest.h"
#include "verifier/tdx_chain_internal.h"
#include "verifier/tdx_tcb_internal.h"
#include "verifier/x509_internal.h"
#include "verifier/x509_objects_internal.h"

namespace attestd {
namespace {

// Collateral is chosen by its content; each candidate may cost us a verification.
constexpr std::size_t maximal_documents = 64;

class Verification {
 public:
  // A check by its Result: the value is the sentence for success.
  void add(std::string id, Result<std::string> result) {
    Check& check = out.checks.emplace_back(Check{std::move(id), CheckResult::pass, {}});
    if (!result) check.result = CheckResult::fail;
    check.detail = result ? *std::move(result) : std::move(result).error().text();
  }
  void skip(std::string id, std::string why) {
    out.checks.push_back({std::move(id), CheckResult::skipped, std::move(why)});
  }

  TdxVerification out;
};

// The quote's own signature, by the key that it carries.
Result<std::string> check_quote_signature(ByteView bytes, const TdQuote& quote, VerificationCache* cache) {
  const auto key = p256_key(quote.attestation_key, cache);
  if (!key) return fail(Errc::malformed, "the attestation key is no point of P-256");
  if (!is_p256_signature(bytes.first(td_quote_signed_size(quote)), quote.signature, key->get())) {
    return fail(Errc::mismatch, "the quote is not signed by the attestation key that it carries");
  }
  return "ECDSA P-256 by the attestation key that the quote carries";
}

// The QE report's report data: SHA-256(attestation key || QE authentication data), 32 zero bytes.
Result<void> check_key_binding(const TdQuote& quote, const SgxReportBody& report) {
  Bytes expected = digest(HashAlgorithm::sha256, {quote.attestation_key, quote.qe_authentication_data});
  expected.resize(report.report_data.size());
  if (constant_time_equal(expected, report.report_data)) return {};
  return fail(Errc::mismatch, "the QE report vouches for " + to_hex(report.report_data) +
                                  ", the attestation key with the QE's authentication data is " + to_hex(expected));
}

// The PCK certificate that signed the QE report.
Result<X509*> find_signer(const TdQuote& quote, const IntelPool& pool) {
  const std::vector<X509*> leaves = pck_leaves(pool);
  for (X509* const leaf : leaves) {
    if (is_p256_signature(quote.qe_report, quote.qe_report_signature, X509_get0_pubkey(leaf))) return leaf;
  }
  if (leaves.empty()) return fail(Errc::not_found, "there is no PCK certificate, neither in the quote nor beside it");
  return fail(Errc::mismatch, "the QE report is not signed by the key of a PCK certificate given (there are " +
                                  std::to_string(leaves.size()) + ")");
}

// What is in a document of Intel's.
template <class T>
struct Parsed {
  T content;
  Bytes body;  // what the signature covers
  FixedBytes<64> signature{};
};

// The same, once it is known that and by whom it is signed.
template <class T>
struct Signed {
  std::shared_ptr<const Parsed<T>> parsed;
  X509* signer = nullptr;  // null: the key that is pinned

  [[nodiscard]] const T& document() const { return parsed->content; }
};

// How each kind of document is told apart, read, and named.
template <class T>
struct Kind;
template <>
struct Kind<TdxTcbInfo> {
  static constexpr std::string_view name = "TCB info";
  static constexpr DcapKind kind = DcapKind::tcb_info;
  static constexpr auto cached = VerificationCache::Kind::tcb_info;
  static constexpr auto parse = parse_tdx_tcb_info;
};
template <>
struct Kind<TdxQeIdentity> {
  static constexpr std::string_view name = "QE identity";
  static constexpr DcapKind kind = DcapKind::enclave_identity;
  static constexpr auto cached = VerificationCache::Kind::qe_identity;
  static constexpr auto parse = parse_tdx_qe_identity;
};

template <class T>
Result<std::shared_ptr<const Parsed<T>>> parse_document(ByteView bytes, VerificationCache* cache) {
  if (cache != nullptr) {
    if (const auto known = cache->find(Kind<T>::cached, bytes)) {
      return std::static_pointer_cast<const Parsed<T>>(known);
    }
  }
  ATTESTD_TRY(const SignedDcapJson json, parse_signed_dcap_json(as_text(bytes)));
  if (json.kind != Kind<T>::kind) return fail(Errc::malformed, "it is another kind of document");
  ATTESTD_TRY(T content, Kind<T>::parse(json.body));
  auto out = std::make_shared<const Parsed<T>>(std::move(content), to_bytes(as_bytes(json.body)), json.signature);
  if (cache != nullptr) cache->keep(Kind<T>::cached, bytes, out);
  return out;
}

template <class T>
Result<X509*> find_document_signer(const Parsed<T>& document, const std::vector<TcbSigner>& signers,
                                   VerificationCache* cache) {
  for (const TcbSigner& signer : signers) {
    if (cache != nullptr && cache->is_good(&document, signer.identity())) return signer.certificate;
    if (!is_p256_signature(document.body, document.signature, signer.key.get())) continue;
    if (cache != nullptr) cache->remember_good(&document, signer.identity());
    return signer.certificate;
  }
  return fail(Errc::crypto, "its signature is not Intel's TCB signing key's");
}

Result<void> check_document_time(std::string_view name, std::int64_t issued, std::int64_t next, std::int64_t at) {
  if (at >= issued && at <= next) return {};
  return fail(Errc::expired, std::string(name) +
                                 (at < issued ? " is not yet valid: it is of " : " has expired: it is of ") +
                                 to_rfc3339(issued) + ", its next update was due on " + to_rfc3339(next) +
                                 ", the time asked for is " + to_rfc3339(at));
}

// The best document among `documents`: signed by one of `signers`, current, fitting.
template <class T>
Result<Signed<T>> choose(const std::vector<Bytes>& documents, const std::vector<TcbSigner>& signers, std::int64_t at,
                         VerificationCache* cache, const auto& check_fit) {
  std::optional<Signed<T>> best;
  std::optional<Error> reason;
  bool reason_fits = false;
  const auto age = [](const Signed<T>& one) {
    return std::pair(one.document().evaluation_data_number, one.document().issue_date);
  };
  for (const Bytes& bytes : documents) {
    const auto judge = [&]() -> Result<Signed<T>> {
      Signed<T> out;
      ATTESTD_TRY(out.parsed, parse_document<T>(bytes, cache));
      ATTESTD_CHECK(check_fit(out.document()));
      ATTESTD_TRY(out.signer, find_document_signer(*out.parsed, signers, cache));
      ATTESTD_CHECK(check_document_time(Kind<T>::name, out.document().issue_date, out.document().next_update, at));
      return out;
    };
    auto judged = judge();
    if (!judged) {
      // Of several reasons, that of a document for this platform.
      const bool fits = judged.error().code != Errc::mismatch && judged.error().code != Errc::unsupported;
      if (!reason || (fits && !reason_fits)) {
        reason = std::move(judged).error();
        reason_fits = fits;
      }
    } else if (!best || age(*judged) > age(*best)) {
      best = *std::move(judged);
    }
  }
  if (best) return *std::move(best);
  if (!reason) return fail(Errc::not_found, "no " + std::string(Kind<T>::name) + " was given");
  if (reason->code == Errc::expired) return std::unexpected(*std::move(reason));
  return std::unexpected(std::move(*reason).in(Kind<T>::name));
}

std::string status_text(const TcbVerdict& verdict) { return std::string(tcb_status_name(verdict.status)); }

// Collateral's part, once the chain stands.
class CollateralJudge {
 public:
  CollateralJudge(Verification& to, const PckChain& chain, const IntelPool& pool, const TdxCollateral& collateral,
                  std::int64_t at)
      : to_(to),
        chain_(chain),
        pool_(pool),
        collateral_(collateral),
        at_(at),
        signers_(find_tcb_signers(chain, pool, at)) {}

  void judge() {
    std::vector<Check> checks;
    const auto identity = qe_identity();
    const auto info = tcb_info();
    std::vector<X509*> used;
    if (identity && identity->signer != nullptr) used.push_back(identity->signer);
    if (info && info->signer != nullptr) used.push_back(info->signer);
    to_.out.checks.push_back(check_pck_revocation(chain_, used, pool_, at_));
    std::optional<TcbVerdict> qe;
    if (collateral_.qe_identities.empty()) {
      to_.skip("tdx.qe-identity", "no QE identity was given; Intel's service has it as qe/identity");
    } else {
      to_.add("tdx.qe-identity", judge_identity(identity, qe));
    }
    if (collateral_.tcb_infos.empty()) {
      to_.skip("tdx.tcb-info", "no TCB info was given; Intel's service has it as tcb?fmspc=" + fmspc());
    } else {
      to_.add("tdx.tcb-info", judge_info(identity, info, qe));
    }
  }

 private:
  std::string fmspc() const { return to_.out.pck ? to_hex(to_.out.pck->fmspc) : std::string("FMSPC"); }

  Result<Signed<TdxQeIdentity>> qe_identity() const {
    if (!signers_) return std::unexpected(signers_.error());
    return choose<TdxQeIdentity>(collateral_.qe_identities, *signers_, at_, pool_.cache,
                                 [](const TdxQeIdentity&) { return Result<void>(); });
  }

  Result<Signed<TdxTcbInfo>> tcb_info() const {
    if (!signers_) return std::unexpected(signers_.error());
    if (!to_.out.pck) return fail(Errc::malformed, "the PCK certificate's SGX extension is unreadable");
    const PckExtensions& pck = *to_.out.pck;
    return choose<TdxTcbInfo>(
        collateral_.tcb_infos, *signers_, at_, pool_.cache, [&pck](const TdxTcbInfo& info) -> Result<void> {
          if (info.fmspc != pck.fmspc) {
            return fail(Errc::mismatch,
                        "it is for FMSPC " + to_hex(info.fmspc) + ", the platform's is " + to_hex(pck.fmspc));
          }
          if (info.pce_id == pck.pce_id) return {};
          return fail(Errc::mismatch,
                      "it is for PCE-ID " + to_hex(info.pce_id) + ", the platform's is " + to_hex(pck.pce_id));
        });
  }

  Result<std::string> judge_identity(const Result<Signed<TdxQeIdentity>>& identity,
                                     std::optional<TcbVerdict>& qe) const {
    if (!identity) return std::unexpected(identity.error());
    if (!to_.out.qe_report) return fail(Errc::malformed, "the QE report is unreadable");
    ATTESTD_TRY(qe, judge_qe(identity->document(), *to_.out.qe_report));
    return "the QE is Intel's, ISVSVN " + std::to_string(to_.out.qe_report->isvsvn) + " is " + status_text(*qe);
  }

  Result<std::string> judge_info(const Result<Signed<TdxQeIdentity>>& identity, const Result<Signed<TdxTcbInfo>>& info,
                                 const std::optional<TcbVerdict>& qe) const {
    if (!info) return std::unexpected(info.error());
    const TdxTcbInfo& document = info->document();
    const TdQuoteBody& body = to_.out.quote->body;
    ATTESTD_CHECK(check_tdx_module(document, body));
    const std::string text = "of " + to_rfc3339(document.issue_date) + " for FMSPC " + fmspc() + ", evaluation " +
                             std::to_string(document.evaluation_data_number) + "; the TDX module is Intel's";
    if (!identity || !qe) return text;
    const auto platform = find_platform_level(document, *to_.out.pck, body);
    const auto module = find_module_level(document, body);
    if (!platform || !module) {
      to_.out.tcb_problem = platform ? module.error().text() : platform.error().text();
      return text;
    }

    TdxTcb tcb;
    tcb.platform = platform->status;
    tcb.qe = qe->status;
    tcb.status = converge(platform->status, qe->status);
    tcb.advisories = platform->advisories;
    const auto add_advisories = [&tcb](const TcbVerdict& from) {
      tcb.advisories.insert(tcb.advisories.end(), from.advisories.begin(), from.advisories.end());
    };
    add_advisories(*qe);
    if (*module) {
      tcb.module = (*module)->status;
      tcb.status = converge(tcb.status, (*module)->status);
      add_advisories(**module);
    }
    std::ranges::sort(tcb.advisories);
    const auto repeated = std::ranges::unique(tcb.advisories);
    tcb.advisories.erase(repeated.begin(), repeated.end());
    tcb.platform_date = platform->date;
    tcb.tcb_evaluation_data_number = document.evaluation_data_number;
    tcb.collateral_from = std::max(document.issue_date, identity->document().issue_date);
    tcb.collateral_to = std::min(document.next_update, identity->document().next_update);
    if (const auto relaunched = status_after_relaunch(document, qe->status)) {
      if (*relaunched != tcb.status) tcb.after_relaunch = relaunched;
    }
    to_.out.tcb = std::move(tcb);
    return text;
  }

  // A TD-preserving update of the module leaves TEE TCB SVN at the launch's: only a
  // relaunched TD would have been protected by the new one from its start.
  std::optional<TcbStatus> status_after_relaunch(const TdxTcbInfo& info, TcbStatus qe) const {
    TdQuoteBody body = to_.out.quote->body;
    if (body.type != TdBodyType::td_15) return std::nullopt;
    body.tee_tcb_svn = body.tee_tcb_svn_2;
    const auto platform = find_platform_level(info, *to_.out.pck, body);
    const auto module = find_module_level(info, body);
    if (!platform || !module) return std::nullopt;
    const TcbStatus status = converge(platform->status, qe);
    return *module ? converge(status, (*module)->status) : status;
  }

  Verification& to_;
  const PckChain& chain_;
  const IntelPool& pool_;
  const TdxCollateral& collateral_;
  std::int64_t at_;
  Result<std::vector<TcbSigner>> signers_;
};

std::string rfc3339(const ASN1_TIME* time) {
  const auto seconds = x509::unix_time(time);
  return seconds ? to_rfc3339(*seconds) : std::string();
}

void judge_leaf(Verification& to, X509* leaf, const IntelPool& pool, const TdxCollateral& collateral,
                const TrustRoots& roots, std::int64_t at) {
  TdxVerification& out = to.out;
  out.leaf_not_before = rfc3339(X509_get0_notBefore(leaf));
  out.leaf_not_after = rfc3339(X509_get0_notAfter(leaf));
  out.issuer = x509::common_name(X509_get_issuer_name(leaf));
  const auto chain = find_pck_chain(leaf, pool, roots);
  const auto extensions = pck_extensions_of(leaf);
  if (extensions) out.pck = *extensions;
  if (!chain) {
    to.add("tdx.chain", std::unexpected(chain.error()));
    for (const char* const id : {"tdx.revocation", "tdx.qe-identity", "tdx.tcb-info"}) {
      to.skip(id, "there is no chain to a root that is trusted");
    }
    return;
  }
  out.root_name = chain->root_name;
  out.simulated = chain->simulated;
  if (auto timely = check_times(*chain, at); !timely) {
    to.add("tdx.chain", std::unexpected(std::move(timely).error()));
  } else if (!extensions) {
    to.add("tdx.chain", std::unexpected(extensions.error()));
  } else {
    to.add("tdx.chain", "PCK certificate to " +
                            std::string(chain->simulated ? "root named by you, '" : "root pinned, '") +
                            chain->root_name + "', valid at " + to_rfc3339(at));
  }
  CollateralJudge(to, *chain, pool, collateral, at).judge();
}

Result<IntelPool> pool_of(const TdQuote& quote, const TdxCollateral& collateral, const TrustRoots& roots,
                          VerificationCache* cache) {
  if (collateral.tcb_infos.size() > maximal_documents || collateral.qe_identities.size() > maximal_documents) {
    return fail(Errc::out_of_range, "there are more than 64 documents of a kind in the collateral");
  }
  std::vector<Bytes> from_quote;
  std::vector<Bytes> lists_in_quote;
  // What the quote's certificates are worth is seen when they are looked for.
  static_cast<void>(x509::add_objects(quote.pck_chain, from_quote, lists_in_quote, cache));
  return parse_intel_pool(from_quote, collateral, roots, cache);
}

}  // namespace

bool TdxVerification::good() const {
  const auto passes = [this](std::string_view id) {
    const auto found = std::ranges::find(checks, id, &Check::id);
    return found != checks.end() && found->result == CheckResult::pass;
  };
  return passes("tdx.signature") && passes("tdx.qe") && passes("tdx.chain") &&
         std::ranges::none_of(checks, [](const Check& check) { return check.result == CheckResult::fail; });
}

TdxVerification verify_tdx(ByteView bytes, const TdxCollateral& collateral, const TrustRoots& roots, std::int64_t at,
                           VerificationCache* cache) {
  Verification to;
  const auto skip_from = [&to](std::string_view first, const std::string& why) {
    bool from_here = false;
    for (const char* const id : {"tdx.qe", "tdx.chain", "tdx.revocation", "tdx.qe-identity", "tdx.tcb-info"}) {
      from_here = from_here || id == first;
      if (from_here) to.skip(id, why);
    }
    return std::move(to.out);
  };
  auto parsed = parse_td_quote(bytes);
  if (!parsed) {
    to.add("tdx.signature", std::unexpected(std::move(parsed).error()));
    return skip_from("tdx.qe", "there is no readable quote");
  }
  to.out.quote = *std::move(parsed);
  const TdQuote& quote = *to.out.quote;
  to.add("tdx.signature", check_quote_signature(bytes, quote, cache));
  if (auto report = parse_sgx_report_body(quote.qe_report)) to.out.qe_report = *std::move(report);

  const auto pool = pool_of(quote, collateral, roots, cache);
  if (!pool) {
    to.add("tdx.qe", std::unexpected(pool.error()));
    return skip_from("tdx.chain", "the collateral is unusable");
  }
  const auto signer = find_signer(quote, *pool);
  if (!signer) {
    to.add("tdx.qe", std::unexpected(signer.error()));
    return skip_from("tdx.chain", "no PCK certificate's key is known to have signed the QE report");
  }
  if (!to.out.qe_report) {
    to.add("tdx.qe", fail(Errc::malformed, "the QE report is unreadable"));
  } else if (auto bound = check_key_binding(quote, *to.out.qe_report); !bound) {
    to.add("tdx.qe", std::unexpected(std::move(bound).error()));
  } else {
    to.add("tdx.qe", "the PCK certificate's key signed the QE report, which vouches for the attestation key");
  }
  judge_leaf(to, *signer, *pool, collateral, roots, at);
  return std::move(to.out);
}

}  // namespace attestd
