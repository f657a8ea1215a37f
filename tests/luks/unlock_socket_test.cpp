#include "luks/unlock_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "base/unix_socket.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace attestd;
using namespace std::chrono_literals;
using luks::ask_for_key;

namespace {

const std::string uuid = "bf07d336-2adc-4a6e-a6bc-0e96da3b34be";

// Answers one connection.
class Listener {
 public:
  explicit Listener(std::function<void(int fd)> answer) {
    const sockaddr_un address = unix_address(path()).value();
    REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(fd_.get(), 1) == 0);
    thread_ = std::thread([this, answer = std::move(answer)] {
      sockaddr_un peer{};
      socklen_t size = sizeof peer;
      const UniqueFd connection(::accept(fd_.get(), reinterpret_cast<sockaddr*>(&peer), &size));
      peer_.assign(static_cast<const char*>(peer.sun_path), size - offsetof(sockaddr_un, sun_path));
      answer(connection.get());
    });
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { join(); }

  void join() {
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::string path() const { return folder_.file("socket"); }
  [[nodiscard]] const std::string& peer() const { return peer_; }

 private:
  test::TemporaryFolder folder_;
  UniqueFd fd_ = unix_socket().value();
  std::string peer_;
  std::thread thread_;
};

void send(int fd, std::string_view bytes) { (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

Errc failure(const std::string& path, std::chrono::milliseconds timeout = 5s) {
  const auto key = ask_for_key(path, uuid, timeout);
  REQUIRE_FALSE(key);
  CHECK(key.error().text().find("secret") == std::string::npos);
  return key.error().code;
}

}  // namespace

TEST_CASE("a key is what the listener sends until it ends, whatever its bytes") {
  using namespace std::string_view_literals;
  Listener listener([](int fd) {
    send(fd, "a\n\0"sv);
    std::this_thread::sleep_for(20ms);
    send(fd, "b"sv);
  });
  const auto key = ask_for_key(listener.path(), uuid, 5s);
  REQUIRE(key);
  CHECK(as_text(key->view()) == "a\n\0b"sv);
}

TEST_CASE("the listener sees which volume asks") {
  Listener listener([](int fd) { send(fd, "key"); });
  REQUIRE(ask_for_key(listener.path(), uuid, 5s));
  listener.join();
  CHECK_THAT(listener.peer(), Catch::Matches(std::string(1, '\0') + "[0-9a-f]{16}/attestd-token/" + uuid));
}

TEST_CASE("a key of 4096 bytes is taken and a longer one refused") {
  Listener longest([](int fd) { send(fd, std::string(luks::unlock_key_limit, 'k')); });
  const auto key = ask_for_key(longest.path(), uuid, 5s);
  REQUIRE(key);
  CHECK(key->size() == luks::unlock_key_limit);
  const Listener longer([](int fd) { send(fd, "secret" + std::string(luks::unlock_key_limit, 'k')); });
  CHECK(failure(longer.path()) == Errc::out_of_range);
}

TEST_CASE("each way of getting no key has its code") {
  const Listener empty([](int) {});
  CHECK(failure(empty.path()) == Errc::refused);
  const test::TemporaryFolder folder;
  CHECK(failure(folder.file("absent")) == Errc::unavailable);
  CHECK(failure(folder.write("file", "")) == Errc::unavailable);
  CHECK_FALSE(ask_for_key(folder.file("absent"), std::string(200, 'u'), 5s));
}

TEST_CASE("who asks says for which volume, as cryptsetup's plugin does, or is told nothing") {
  std::string asked;
  const Listener listener([&asked](int fd) {
    asked = luks::uuid_of_peer(fd).value_or("nobody");
    ::send(fd, "key", 3, MSG_NOSIGNAL);
  });
  REQUIRE(ask_for_key(listener.path(), uuid, 5s));
  CHECK(asked == uuid);

  const auto of = [](const std::string& name) {
    return luks::uuid_of_address(std::string(1, '\0') + name).has_value();
  };
  CHECK(of("01af/attestd-token/" + uuid));
  for (const std::string& other :
       {std::string(), "/attestd-token/" + uuid, "01ag/attestd-token/" + uuid, "01af/cryptsetup/" + uuid,
        "01af/attestd-token/" + uuid + "0", "01af/attestd-token/" + uuid.substr(1), "01af/attestd-token/../" + uuid,
        std::string("01af/attestd-token/BF07D336-2ADC-4A6E-A6BC-0E96DA3B34BE"), "01af/attestd-token/" + uuid + '\0'}) {
    CAPTURE(other);
    CHECK_FALSE(of(other));
  }
  CHECK_FALSE(luks::uuid_of_address("01af/attestd-token/" + uuid));
}

TEST_CASE("a listener that sends now and then does not outlast the deadline") {
  const Listener slow([](int fd) {
    for (int i = 0; i < 100; ++i) {
      if (::send(fd, "secret", 6, MSG_NOSIGNAL) < 0) return;
      std::this_thread::sleep_for(50ms);
    }
  });
  const auto start = std::chrono::steady_clock::now();
  CHECK(failure(slow.path(), 200ms) == Errc::timed_out);
  CHECK(std::chrono::steady_clock::now() - start < 2s);
}

TEST_CASE("a listener that is neither root nor ourselves gets no connection's trust") {
  if (::geteuid() != 0) return;
  // The credentials are those of listen(2).
  REQUIRE(::seteuid(65534) == 0);
  const UniqueFd theirs = unix_socket().value();
  const std::string path = "/tmp/attestd-test-theirs." + std::to_string(::getpid());
  const sockaddr_un address = unix_address(path).value();
  const bool listening = ::bind(theirs.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                         ::listen(theirs.get(), 1) == 0;
  REQUIRE(::seteuid(0) == 0);
  REQUIRE(listening);
  CHECK(failure(path, 1s) == Errc::permission);
  ::unlink(path.c_str());
}
