// DNS messages with SRV records, and a server on loopback that gives one to whoever asks.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <thread>
#include <vector>

#include "base/file.h"
#include "net/srv.h"
#include "tests/catch.h"

namespace attestd::test {

inline void put16(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::byte>(value >> 8U));
  out.push_back(static_cast<std::byte>(value & 0xffU));
}

inline void put_name(Bytes& out, std::string_view name) {
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    name.remove_prefix(std::min(label.size() + 1, name.size()));
    out.push_back(static_cast<std::byte>(label.size()));
    for (const char c : label) out.push_back(static_cast<std::byte>(c));
  }
  out.push_back(std::byte{0});
}

inline void put_srv(Bytes& out, const SrvRecord& record) {
  put16(out, 0xc00c);  // the question's name
  put16(out, 33);
  put16(out, 1);
  put16(out, 0);
  put16(out, 60);
  Bytes data;
  put16(data, record.priority);
  put16(data, record.weight);
  put16(data, record.port);
  put_name(data, record.target);
  put16(out, static_cast<unsigned>(data.size()));
  out.insert(out.end(), data.begin(), data.end());
}

// An answer to `question` (name, type and class) with these records.
inline Bytes message(unsigned id, ByteView question, unsigned flags, const std::vector<SrvRecord>& records) {
  Bytes out;
  put16(out, id);
  put16(out, flags);
  put16(out, 1);
  put16(out, static_cast<unsigned>(records.size()));
  put16(out, 0);
  put16(out, 0);
  out.insert(out.end(), question.begin(), question.end());
  for (const SrvRecord& record : records) put_srv(out, record);
  return out;
}

inline Bytes question_for(std::string_view name) {
  Bytes out;
  put_name(out, name);
  put16(out, 33);
  put16(out, 1);
  return out;
}

inline constexpr unsigned good = 0x8180;     // a response, recursion was desired and available (RFC 1035 section 4.1.1)
inline constexpr unsigned no_name = 0x8183;  // NXDOMAIN
inline constexpr unsigned no_server = 0x8182;  // SERVFAIL
inline constexpr unsigned truncated = 0x8380;  // the rest is to be had by TCP

// Answers every question on loopback in the same way.
class NameServerOnLoopback {
 public:
  NameServerOnLoopback(unsigned flags, std::vector<SrvRecord> records)
      : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    server_ = {"127.0.0.1", ntohs(address.sin_port)};
    const timeval time{0, 20000};
    REQUIRE(::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) == 0);
    thread_ = std::jthread([this, flags, records = std::move(records)](const std::stop_token& stop) {
      while (!stop.stop_requested()) answer(flags, records);
    });
  }
  [[nodiscard]] const NameServer& server() const { return server_; }

 private:
  void answer(unsigned flags, const std::vector<SrvRecord>& records) const {
    constexpr std::size_t header_size = 12;
    std::array<std::byte, 512> query{};
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t got =
        ::recvfrom(socket_.get(), query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got <= static_cast<ssize_t>(header_size)) return;
    // Without what follows the question: the resolver may add an option.
    std::size_t end = header_size;
    while (end < query.size() && query.at(end) != std::byte{0}) end += 1 + std::to_integer<std::size_t>(query.at(end));
    end += 5;
    const auto id = std::to_integer<unsigned>(query[0]) << 8U | std::to_integer<unsigned>(query[1]);
    const Bytes out = message(id, ByteView(query).subspan(header_size, end - header_size), flags, records);
    ::sendto(socket_.get(), out.data(), out.size(), 0, reinterpret_cast<const sockaddr*>(&from), size);
  }

  UniqueFd socket_;
  NameServer server_;
  std::jthread thread_;
};

}  // namespace attestd::test
