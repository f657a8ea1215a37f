// What understanding and judging evidence costs. Genuine evidence comes from
// ATTESTD_VECTORS; without it the benchmarks that need it say so.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "base/encoding.h"
#include "base/file.h"
#include "evidence/bundle.h"
#include "evidence/event_log.h"
#include "evidence/merkle.h"
#include "evidence/snp_report.h"
#include "verifier/snp.h"
#include "verifier/tpm.h"

namespace attestd {
namespace {

std::string vector_path(const std::string& name) {
  const char* const folder = std::getenv("ATTESTD_VECTORS");  // NOLINT(concurrency-mt-unsafe): before any thread
  return std::string(folder != nullptr ? folder : "../shared/vectors") + "/" + name;
}

// Empty, with the benchmark marked as skipped, when the file is not there.
Bytes genuine(benchmark::State& state, const std::string& name) {
  auto bytes = read_file(vector_path(name), default_file_limit);
  if (bytes) return *std::move(bytes);
  state.SkipWithError("no genuine evidence: set ATTESTD_VECTORS");
  return {};
}

void merkle_tree(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const Bytes statement(2048, std::byte{'x'});
  for (auto _ : state) {
    std::vector<MerkleHash> leaves(count);
    for (auto& leaf : leaves) leaf = merkle_leaf(statement);
    const MerkleTree tree(std::move(leaves));
    for (std::size_t i = 0; i < count; ++i) benchmark::DoNotOptimize(tree.prove(i));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(merkle_tree)->Arg(1)->Arg(10)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);

void parse_report(benchmark::State& state) {
  const Bytes report = genuine(state, "snp/milan-vlek-v3/report.bin");
  for (auto _ : state) benchmark::DoNotOptimize(parse_snp_report(report));
}
BENCHMARK(parse_report)->Unit(benchmark::kMicrosecond);

void parse_and_replay_log(benchmark::State& state) {
  const Bytes log = genuine(state, "tpm/eventlogs/ubuntu-2404-amd-sevsnp.bin");
  for (auto _ : state) {
    const auto parsed = parse_event_log(log);
    if (!parsed) return state.SkipWithError(parsed.error().text().c_str());
    benchmark::DoNotOptimize(replay(*parsed, HashAlgorithm::sha256));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(log.size()));
}
BENCHMARK(parse_and_replay_log)->Unit(benchmark::kMicrosecond);

void parse_a_bundle(benchmark::State& state) {
  Bundle bundle;
  bundle.statement = Bytes(2048, std::byte{' '});
  bundle.snp_report = Bytes(1184);
  bundle.snp_certificates = Bytes(8192);
  bundle.firmware_event_log = Bytes(65536);
  const std::string json = encode_bundle(bundle);
  for (auto _ : state) {
    const auto parsed = parse_bundle(json);
    if (!parsed) return state.SkipWithError(parsed.error().text().c_str());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(json.size()));
}
BENCHMARK(parse_a_bundle)->Unit(benchmark::kMicrosecond);

void verify_a_report(benchmark::State& state) {
  const Bytes report = genuine(state, "snp/milan-vlek-v3/report.bin");
  if (report.empty()) return;
  auto endorsements = load_snp_endorsements(vector_path("snp/milan-vlek-v3"));
  if (!endorsements) return state.SkipWithError(endorsements.error().text().c_str());
  constexpr std::int64_t june_2025 = 1748736000;
  for (auto _ : state) {
    if (!verify_snp(report, *endorsements, {}, june_2025).good()) return state.SkipWithError("it does not verify");
  }
}
BENCHMARK(verify_a_report)->Unit(benchmark::kMicrosecond);

void verify_a_quote(benchmark::State& state) {
  const Bytes quote = genuine(state, "tpm/quote/quote.out");
  const Bytes signature = genuine(state, "tpm/quote/quotesig.out");
  const Bytes ak = genuine(state, "tpm/quote/ak.pub");
  TpmInput input{.quote = quote,
                 .signature = signature,
                 .ak = ak,
                 .pcrs = {},
                 .firmware_event_log = {},
                 .userspace_event_log = {},
                 .expected_extra_data = {}};
  for (auto _ : state) {
    const auto result = verify_tpm(input);
    if (result.checks.empty() || result.checks.front().result != CheckResult::pass) {
      return state.SkipWithError("it does not verify");
    }
  }
}
BENCHMARK(verify_a_quote)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace attestd

BENCHMARK_MAIN();
