// Releases per second of a real broker, over HTTPS on loopback, against what their cryptography costs.
//   broker-load ATTEST-BROKERD [SECONDS [GUESTS]]
// Micro benchmarks of the cryptography first, as CPU time. Then an attest-brokerd of our own, on SQLite in a temporary
// folder, and guests that are threads here: each attests on a connection of its own, with evidence that was signed
// before the clock ran, and takes one secret; then they take that secret again and again with one token. What the
// broker did is told by its own CPU time, which the guests' beside it do not change: CPU that is cryptography / CPU in
// all.

#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <functional>
#include <iostream>
#include <mutex>
#include <sstream>
#include <thread>

#include "base/stopwatch.h"
#include "bench/broker_costs.h"
#include "bench/tls_client.h"
#include "broker/store.h"
#include "sim/signer/certificate_builder_internal.h"
#include "sim/signer/pem_files_internal.h"
#include "tests/temporary_folder.h"

extern char** environ;

namespace attestd::bench {
namespace {

constexpr const char* address = "127.0.0.1:29444";
constexpr const char* resource_path = "/kbs/v0/resource/vm/key/one";
constexpr double us_per_s = 1e6;

template <class T>
T value(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

using SslContext = openssl::Handle<SSL_CTX, SSL_CTX_free>;

SslContext client_context() {
  SslContext out(SSL_CTX_new(TLS_client_method()));
  if (!out) throw std::runtime_error("no TLS");
  return out;
}

void make_certificate(const std::string& certificate, const std::string& key) {
  const openssl::Key made = value(sim::make_ec_key("P-256"));
  sim::CertificateSpec spec;
  spec.issuer = spec.subject = {{"CN", "127.0.0.1"}};
  spec.not_after = 4102444800;
  spec.key = spec.issuer_key = made.get();
  spec.hash = EVP_sha256();
  value(sim::save_key(key, made.get()));
  value(sim::save_certificate(certificate, value(sim::build_certificate(spec)).get()));
}

// attest-brokerd, from its start to its end.
class RunningBroker {
 public:
  RunningBroker(const std::string& program, const test::TemporaryFolder& folder, const test::SimulatedVm& vm) {
    make_certificate(folder.file("tls.pem"), folder.file("tls.key"));
    const std::string key = folder.write("master", std::string(broker::master_key_size, 'k'));
    ::chmod(key.c_str(), 0600);
    const std::string database = "sqlite:" + folder.file("broker.db");
    {
      const auto store = value(broker::Store::open(database, value(broker::Sealer::from_file(key)), 0, {}));
      value(store->write([&](broker::StoreTransaction& transaction) -> Result<void> {
        ATTESTD_CHECK(transaction.put_policy("web", test::policy_toml(vm), 0));
        ATTESTD_CHECK(transaction.put_resource({.path = "vm/key/one", .policy = "web", .volume = {}, .conditions = {}},
                                               Bytes(32, std::byte{1}), 0));
        return {};
      }));
    }
    const std::string config = folder.write(
        "broker.toml", "[broker]\nlisten = [\"" + std::string(address) + "\"]\ndatabase = \"" + database +
                           "\"\nmaster-key = \"" + key + "\"\nkey-cache = \"\"\n[tls]\ncertificate = \"" +
                           folder.file("tls.pem") + "\"\nkey = \"" + folder.file("tls.key") +
                           "\"\n[protocol]\ntoken-lifetime = \"60m\"\nchallenge-lifetime = \"60m\"\n[limits]\n"
                           "connections-per-address = 4096\nrequests-per-address = 64\nwaiting-per-address = 1024\n"
                           "[log]\nlevel = \"error\"\n");
    const char* const words[] = {program.c_str(), "--config", config.c_str(), nullptr};
    if (::posix_spawn(&pid_, program.c_str(), nullptr, nullptr, const_cast<char**>(words), environ) != 0) {
      throw std::runtime_error("cannot start " + program);
    }
    await();
  }
  RunningBroker(const RunningBroker&) = delete;
  RunningBroker& operator=(const RunningBroker&) = delete;
  ~RunningBroker() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }

  // User and system time so far. proc(5), /proc/PID/stat: fields 14 and 15, in clock ticks.
  [[nodiscard]] double cpu_us() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/stat");
    std::string text;
    std::getline(file, text);
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string skipped;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK)) * us_per_s;
  }

 private:
  void await() {
    for (int i = 0;; ++i) {
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) throw std::runtime_error("attest-brokerd ended");
      try {
        TlsClient(client_context().get(), address).ask("GET", "/v1/health", {}, {});
        return;
      } catch (const std::runtime_error&) {
        if (i == 300) throw;
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    }
  }

  pid_t pid_ = -1;
};

// All of `work`, by `guests` threads; how long it took.
double in_parallel(unsigned guests, const std::function<void(unsigned)>& work) {
  std::mutex mutex;
  std::string failed;
  const Stopwatch watch;
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < guests; ++i) {
      threads.emplace_back([&, i] {
        try {
          work(i);
        } catch (const std::exception& error) {
          const std::scoped_lock lock(mutex);
          failed = error.what();
        }
      });
    }
  }
  if (!failed.empty()) throw std::runtime_error(failed);
  return watch.seconds();
}

void require(const TlsClient::Answer& answer) {
  if (answer.status != 200)
    throw std::runtime_error("the broker answers " + std::to_string(answer.status) + ": " + answer.body);
}

struct Prepared {
  std::string cookie;
  std::string body;
};

void report(const char* what, std::size_t count, double seconds, double cpu, double crypto) {
  const auto number = static_cast<double>(count);
  std::printf("%-52s %8.0f/s  broker's CPU %6.0f us each, of which cryptography %5.0f us: %3.0f %%\n", what,
              number / seconds, cpu / number, crypto, 100 * crypto / (cpu / number));
  std::fflush(stdout);
}

void measure(const RunningBroker& broker, const test::SimulatedVm& vm, const BrokerCosts& costs, double seconds,
             unsigned guests) {
  const SslContext context = client_context();
  const auto exchanges = static_cast<std::size_t>(seconds * 300);
  std::vector<Prepared> prepared(exchanges);
  const auto each = [&](unsigned guest, const std::function<void(std::size_t)>& work) {
    for (std::size_t i = guest; i < exchanges; i += guests) work(i);
  };
  double cpu = broker.cpu_us();
  double took = in_parallel(guests, [&](unsigned guest) {
    TlsClient client(context.get(), address);
    each(guest, [&](std::size_t i) {
      const TlsClient::Answer answer = client.ask("POST", "/kbs/v0/auth", {}, kbs::encode_request({}));
      require(answer);
      prepared[i] = {answer.cookie, answer.body};
    });
  });
  report("challenge", exchanges, took, broker.cpu_us() - cpu, 0);
  in_parallel(guests, [&](unsigned guest) {
    const test::SimulatedGuest key(vm);
    each(guest, [&](std::size_t i) {
      prepared[i].body = key.with_report(kbs::parse_challenge(prepared[i].body).value().nonce, {});
    });
  });
  std::vector<std::string> sessions(guests);
  cpu = broker.cpu_us();
  took = in_parallel(guests, [&](unsigned guest) {
    each(guest, [&](std::size_t i) {
      TlsClient client(context.get(), address);
      const TlsClient::Answer answer = client.ask("POST", "/kbs/v0/attest", prepared[i].cookie, prepared[i].body);
      require(answer);
      sessions[guest] = answer.cookie;
      require(client.ask("GET", resource_path, answer.cookie, {}));
    });
  });
  report("connection, attestation and release", exchanges, took, broker.cpu_us() - cpu,
         costs.handshake_us + costs.attestation_us + costs.release_us);
  std::atomic<std::size_t> released = 0;
  cpu = broker.cpu_us();
  took = in_parallel(guests, [&](unsigned guest) {
    TlsClient client(context.get(), address);
    for (const Stopwatch watch; watch.seconds() < seconds; ++released) {
      require(client.ask("GET", resource_path, sessions[guest], {}));
    }
  });
  report("release alone, one token, connection kept", released, took, broker.cpu_us() - cpu, costs.release_us);
}

int run(const std::vector<std::string>& words) {
  if (words.empty()) {
    std::cerr << "usage: broker-load ATTEST-BROKERD [SECONDS [GUESTS]]\n";
    return 2;
  }
  const double seconds = words.size() > 1 ? std::stod(words[1]) : 5;
  const unsigned guests = words.size() > 2 ? static_cast<unsigned>(std::stoul(words[2])) : 16;
  const test::TemporaryFolder folder;
  const test::SimulatedVm vm;
  const RunningBroker broker(words[0], folder, vm);
  const BrokerCosts costs = measure_costs(vm, folder.file("tls.pem"), folder.file("tls.key"));
  for (const Cost& part : costs.parts) std::printf("%-52s %8.0f us\n", part.name.c_str(), part.cpu_us);
  std::printf("%u guests, %u processors\n", guests, std::thread::hardware_concurrency());
  measure(broker, vm, costs, seconds, guests);
  return 0;
}

}  // namespace
}  // namespace attestd::bench

int main(int argc, char** argv) {
  try {
    return attestd::bench::run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "broker-load: " << error.what() << '\n';
    return 1;
  }
}
