#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/openssl_internal.h"
#include "net/https_url.h"
#include "net/stream.h"

namespace attestd::net {
namespace {

using Context = openssl::Handle<SSL_CTX, SSL_CTX_free>;
using Connection = openssl::Handle<SSL, SSL_free>;

constexpr std::size_t record_size = std::size_t{17} << 10U;  // bytes; a TLS record has at most 16 kB and some

// OpenSSL's reason, or `otherwise`; empties its queue.
std::string reason(std::string otherwise) {
  const unsigned long code = ERR_peek_last_error();
  const char* const text = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return text == nullptr ? std::move(otherwise) : std::string(text);
}

Result<Context> context(const std::string& ca_file) {
  ERR_clear_error();
  Context out(SSL_CTX_new(TLS_client_method()));
  if (!out || SSL_CTX_set_min_proto_version(out.get(), TLS1_3_VERSION) != 1) {
    return fail(Errc::internal, "OpenSSL does not start: " + reason("no reason given"));
  }
  SSL_CTX_set_verify(out.get(), SSL_VERIFY_PEER, nullptr);
  if (ca_file.empty()) return fail(Errc::usage, "no file of authorities is given, and no other is believed");
  if (SSL_CTX_load_verify_file(out.get(), ca_file.c_str()) != 1) {
    return fail(Errc::usage, "cannot use the CA file " + ca_file + ": " + reason("it has no certificate"));
  }
  return out;
}

// Sets what the server's certificate must be for.
bool expect_host(SSL* connection, const std::string& host) {
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(connection);
  // A certificate in the file that is not its own issuer is an authority too, as it is to libcurl.
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN);
  // RFC 9525 section 6.3: names are in subjectAltName, never in the subject.
  X509_VERIFY_PARAM_set_hostflags(parameters,
                                  X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const std::string bare = host.substr(0, host.find('%'));  // without an address's zone
  if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(parameters, bare.c_str()) == 1;
  return X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size()) == 1 &&
         SSL_set_tlsext_host_name(connection, host.c_str()) == 1;
}

// OpenSSL gets and gives its bytes in memory, so that every wait is ours, and no write raises SIGPIPE.
class TlsStream : public Stream {
 public:
  static Result<std::unique_ptr<TlsStream>> make(UniqueFd fd, const std::string& host, const std::string& ca_file) {
    ATTESTD_TRY(const Context shared, context(ca_file));
    auto out = std::make_unique<TlsStream>();
    out->wire_ = plain_stream(std::move(fd));
    out->connection_.reset(SSL_new(shared.get()));
    BIO* const in = BIO_new(BIO_s_mem());
    BIO* const sent = BIO_new(BIO_s_mem());
    if (!out->connection_ || in == nullptr || sent == nullptr || !expect_host(out->connection_.get(), host)) {
      BIO_free(in);
      BIO_free(sent);
      return fail(Errc::internal, "OpenSSL makes no connection: " + reason("no reason given"));
    }
    BIO_set_mem_eof_return(in, -1);  // empty is "not yet"
    SSL_set_bio(out->connection_.get(), in, sent);
    SSL_set_connect_state(out->connection_.get());
    return out;
  }

  Result<void> handshake(Deadline deadline) {
    for (;;) {
      ERR_clear_error();
      const int done = SSL_do_handshake(connection_.get());
      const int why = done == 1 ? SSL_ERROR_NONE : SSL_get_error(connection_.get(), done);
      // Its alerts as well, which tell the server why.
      auto flushed = flush(deadline);
      if (done == 1) return flushed;
      if (why != SSL_ERROR_WANT_READ) return handshake_failure();
      ATTESTD_CHECK(std::move(flushed));
      ATTESTD_CHECK(fill(deadline));
    }
  }

  Result<void> write(std::string_view bytes, Deadline deadline) override {
    while (!bytes.empty()) {
      ERR_clear_error();
      std::size_t count = 0;
      const int done = SSL_write_ex(connection_.get(), bytes.data(), std::min(bytes.size(), record_size), &count);
      if (done != 1) return fail(Errc::unavailable, reason("TLS cannot send"));
      bytes.remove_prefix(count);
      ATTESTD_CHECK(flush(deadline));
    }
    return {};
  }

  Result<std::size_t> read(std::span<char> into, Deadline deadline) override {
    for (;;) {
      ERR_clear_error();
      std::size_t count = 0;
      const int done = SSL_read_ex(connection_.get(), into.data(), into.size(), &count);
      if (done == 1) return count;
      switch (SSL_get_error(connection_.get(), done)) {
        case SSL_ERROR_ZERO_RETURN: return 0;
        case SSL_ERROR_WANT_READ: break;
        default: return fail(Errc::unavailable, reason("the connection was cut"));
      }
      ATTESTD_CHECK(flush(deadline));
      ATTESTD_CHECK(fill(deadline));
    }
  }

  [[nodiscard]] bool quiet() const override { return SSL_has_pending(connection_.get()) == 0 && wire_->quiet(); }

 private:
  std::unexpected<Error> handshake_failure() {
    const long verified = SSL_get_verify_result(connection_.get());
    if (verified != X509_V_OK) {
      ERR_clear_error();
      return fail(Errc::refused, X509_verify_cert_error_string(verified));
    }
    const unsigned long code = ERR_peek_last_error();
    const bool old = ERR_GET_LIB(code) == ERR_LIB_SSL && (ERR_GET_REASON(code) == SSL_R_UNSUPPORTED_PROTOCOL ||
                                                          ERR_GET_REASON(code) == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION);
    return fail(old ? Errc::unsupported : Errc::unavailable, reason("the connection was cut"));
  }

  Result<void> flush(Deadline deadline) {
    BIO* const sent = SSL_get_wbio(connection_.get());
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(sent, &bytes);
    if (size <= 0) return {};
    auto written = wire_->write({bytes, static_cast<std::size_t>(size)}, deadline);
    (void)BIO_reset(sent);
    return written;
  }

  // What has come, for OpenSSL to read.
  Result<void> fill(Deadline deadline) {
    ATTESTD_TRY(const std::size_t count, wire_->read(arrived_, deadline));
    BIO* const in = SSL_get_rbio(connection_.get());
    if (count == 0) {
      BIO_set_mem_eof_return(in, 0);
    } else if (BIO_write(in, arrived_.data(), static_cast<int>(count)) != static_cast<int>(count)) {
      return fail(Errc::internal, "OpenSSL has no memory for what came");
    }
    return {};
  }

  std::unique_ptr<Stream> wire_;
  Connection connection_;
  std::vector<char> arrived_ = std::vector<char>(record_size);
};

}  // namespace

Result<std::unique_ptr<Stream>> tls_stream(UniqueFd fd, const std::string& host, const std::string& ca_file,
                                           Deadline deadline) {
  ATTESTD_TRY(auto out, TlsStream::make(std::move(fd), host, ca_file));
  ATTESTD_CHECK(out->handshake(deadline));
  return out;
}

}  // namespace attestd::net
