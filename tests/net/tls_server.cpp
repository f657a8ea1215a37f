#include "tests/net/tls_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "sim/signer/certificate_builder_internal.h"

namespace attestd::test {
namespace {

using Context = openssl::Handle<SSL_CTX, SSL_CTX_free>;
using Connection = openssl::Handle<SSL, SSL_free>;

constexpr std::int64_t day = 86400;

}  // namespace

Authority::Authority(const std::string& name) : name_(name), key_(sim::make_ec_key("P-256").value()) {
  const std::int64_t now = std::time(nullptr);
  sim::CertificateSpec spec;
  spec.issuer = spec.subject = {{"CN", name}};
  spec.not_before = now - day;
  spec.not_after = now + day;
  spec.key = spec.issuer_key = key_.get();
  spec.hash = EVP_sha256();
  spec.extensions = {{NID_basic_constraints, "critical,CA:TRUE"}, {NID_key_usage, "critical,keyCertSign"}};
  certificate_ = sim::build_certificate(spec).value();
}

Authority::Leaf Authority::leaf(const std::string& names, std::int64_t ends_in, const std::string& subject) const {
  const std::int64_t now = std::time(nullptr);
  Leaf out;
  out.key = sim::make_ec_key("P-256").value();
  sim::CertificateSpec spec;
  spec.serial = 2;
  spec.issuer = {{"CN", name_}};
  spec.subject = {{"CN", subject}};
  spec.not_before = now - day;
  spec.not_after = now + ends_in;
  spec.key = out.key.get();
  spec.issuer_key = key_.get();
  spec.hash = EVP_sha256();
  spec.extensions = {{NID_basic_constraints, "critical,CA:FALSE"}};
  if (!names.empty()) spec.extensions.emplace_back(NID_subject_alt_name, names);
  out.certificate = sim::build_certificate(spec).value();
  return out;
}

std::string Authority::pem() const {
  const openssl::Stream memory(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(memory.get(), certificate_.get()) != 1) std::abort();
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

struct TlsServer::State {
  Context context;
  std::function<TlsAnswer(const std::string&)> respond;
  UniqueFd listener;
  std::uint16_t port = 0;
  std::atomic<int> requests{0};
  std::atomic<int> handshakes{0};
  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::vector<int> open;
  std::vector<std::jthread> connections;
  std::jthread acceptor;

  static bool read_request(SSL* connection, std::string& text) {
    std::size_t wanted = std::string::npos;
    while (text.size() < wanted) {
      std::array<char, 4096> chunk{};
      const int count = SSL_read(connection, chunk.data(), static_cast<int>(chunk.size()));
      if (count <= 0) return false;
      text.append(chunk.data(), static_cast<std::size_t>(count));
      const std::size_t end = text.find("\r\n\r\n");
      if (wanted != std::string::npos || end == std::string::npos) continue;
      wanted = end + 4;
      if (const auto length = text.find("Content-Length: "); length < end) {
        wanted += std::strtoul(text.c_str() + length + 16, nullptr, 10);
      }
    }
    return true;
  }

  void send(SSL* connection, const TlsAnswer& reply) const {
    const std::size_t piece = reply.each_byte.count() > 0 ? 1 : reply.raw.size();
    for (std::size_t at = 0; at < reply.raw.size() && !stopping; at += piece) {
      if (SSL_write(connection, reply.raw.data() + at, static_cast<int>(piece)) <= 0) return;
      std::this_thread::sleep_for(reply.each_byte);
    }
    if (!reply.keep && reply.goodbye) SSL_shutdown(connection);
  }

  void serve(int fd) {
    const Connection connection(SSL_new(context.get()));
    SSL_set_fd(connection.get(), fd);
    if (SSL_accept(connection.get()) != 1) return;
    ++handshakes;
    for (bool more = true; more;) {
      std::string text;
      if (!read_request(connection.get(), text)) return;
      ++requests;
      const TlsAnswer reply = respond(text);
      send(connection.get(), reply);
      more = reply.keep;
    }
  }

  void accept_all() {
    while (!stopping) {
      UniqueFd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) return;
      const std::lock_guard lock(mutex);
      if (stopping) return;
      open.push_back(fd.get());
      connections.emplace_back([this, held = std::make_shared<UniqueFd>(std::move(fd))] {
        serve(held->get());
        const std::lock_guard inner(mutex);
        std::erase(open, held->get());
        held->reset();
      });
    }
  }
};

TlsServer::TlsServer(const Authority::Leaf& leaf, std::function<TlsAnswer(const std::string&)> respond,
                     TlsServerOptions options)
    : state_(std::make_unique<State>()) {
  std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): OpenSSL writes to sockets that clients have left
  state_->respond = std::move(respond);
  state_->context.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = state_->context.get();
  if (context == nullptr || SSL_CTX_set_max_proto_version(context, options.newest) != 1 ||
      SSL_CTX_use_certificate(context, leaf.certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, leaf.key.get()) != 1) {
    std::abort();
  }
  state_->listener = UniqueFd(::socket(options.ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address{};
  socklen_t size = options.ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (options.ipv6) {
    address.sin6_family = AF_INET6;
    address.sin6_addr = in6addr_loopback;
  } else {
    auto* const four = reinterpret_cast<sockaddr_in*>(&address);
    four->sin_family = AF_INET;
    four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  const int fd = state_->listener.get();
  if (fd < 0 || ::bind(fd, generic, size) != 0 || ::listen(fd, 16) != 0 || ::getsockname(fd, generic, &size) != 0) {
    std::abort();
  }
  state_->port = ntohs(address.sin6_port);  // where both kinds of address have it
  state_->acceptor = std::jthread([state = state_.get()] { state->accept_all(); });
}

TlsServer::~TlsServer() {
  state_->stopping = true;
  ::shutdown(state_->listener.get(), SHUT_RDWR);
  state_->acceptor.join();
  {
    const std::lock_guard lock(state_->mutex);
    for (const int fd : state_->open) ::shutdown(fd, SHUT_RDWR);
  }
  state_->connections.clear();
}

std::string TlsServer::url(const std::string& host) const { return "https://" + host + ":" + std::to_string(port()); }
std::uint16_t TlsServer::port() const { return state_->port; }
int TlsServer::requests() const { return state_->requests; }
int TlsServer::connections() const { return state_->handshakes; }
void TlsServer::settle() const {
  for (;;) {
    {
      const std::lock_guard lock(state_->mutex);
      if (state_->open.empty()) return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace attestd::test
