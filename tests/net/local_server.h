// A small HTTP server on loopback that answers as a test tells it to, well or badly.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace attestd::test {

struct SeenRequest {
  std::string method, target;  // "GET", "/metadata/instance?x=1"
  std::string head;            // request line and header lines as they came
  std::string body;
};

struct Answer {
  std::string raw;           // sent as it is
  std::uint64_t filler = 0;  // this many further bytes of 'x'
  bool hang = false;         // then silence, the connection open, until the server goes
};

// "HTTP/1.1 STATUS …" with a Content-Length; `headers` are lines that end in CRLF.
Answer answer(int status, std::string_view body, std::string_view headers = {});

class LocalServer {
 public:
  // `respond` is called on threads of the server, one a connection.
  explicit LocalServer(std::function<Answer(const SeenRequest&)> respond);
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;
  ~LocalServer();

  [[nodiscard]] std::string url() const;  // "http://127.0.0.1:PORT"
  [[nodiscard]] std::vector<SeenRequest> seen() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace attestd::test
