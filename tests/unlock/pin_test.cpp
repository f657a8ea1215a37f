#include "unlock/pin.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "base/file.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace attestd;
using namespace attestd::test;
using namespace attestd::unlock;

namespace {

using std::chrono::milliseconds;

// The other side of a terminal.
class Person {
 public:
  Person() : fd_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    REQUIRE(fd_);
    REQUIRE(::grantpt(fd_.get()) == 0);
    REQUIRE(::unlockpt(fd_.get()) == 0);
    std::array<char, 64> name{};
    REQUIRE(::ptsname_r(fd_.get(), name.data(), name.size()) == 0);
    terminal_ = name.data();
    // A terminal that nobody has open forgets what is typed.
    held_ = UniqueFd(::open(terminal_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  }
  [[nodiscard]] const std::string& terminal() const { return terminal_; }
  // What was typed has come to the terminal, which takes a moment.
  void typed() const {
    const auto there = [this] {
      pollfd entry{held_.get(), POLLIN, 0};
      return ::poll(&entry, 1, 10000) == 1;
    };
    REQUIRE(there());
  }
  void type(std::string_view text) const { REQUIRE(write_all(fd_.get(), "terminal", as_bytes(text))); }
  // Waits for the question, then types.
  void answer(std::string_view text) {
    while (seen_.find(": ") == std::string::npos) look();
    type(text);
  }
  void look() {
    std::array<char, 256> chunk{};
    const ssize_t count = ::read(fd_.get(), chunk.data(), chunk.size());
    REQUIRE(count > 0);
    seen_.append(chunk.data(), static_cast<std::size_t>(count));
  }
  [[nodiscard]] const std::string& seen() const { return seen_; }

 private:
  UniqueFd fd_;
  UniqueFd held_;
  std::string terminal_;
  std::string seen_;
};

std::string text_of(const Result<SecretBytes>& secret) {
  REQUIRE(secret);
  return std::string(as_text(secret->view()));
}

}  // namespace

TEST_CASE("a PIN is read from a terminal, and not shown there") {
  Person person;
  person.type("typed too early\n");
  person.typed();
  std::thread typing([&] { person.answer("1234 5\n"); });
  const auto pin = read_pin(person.terminal(), "PIN of volume root", milliseconds(20000));
  typing.join();
  CHECK(text_of(pin) == "1234 5");
  while (!person.seen().ends_with("\r\n")) person.look();
  CHECK(person.seen().find("PIN of volume root: ") != std::string::npos);
  CHECK(person.seen().find("1234") == std::string::npos);
}

TEST_CASE("a PIN that does not come, is empty or is too long is none") {
  Person person;
  CHECK(read_pin(person.terminal(), "PIN", milliseconds(50)).error().code == Errc::timed_out);
  const std::pair<std::string, Errc> cases[] = {{"\n", Errc::refused},
                                                {std::string(257, 'x') + "\n", Errc::out_of_range}};
  for (const auto& [typed, code] : cases) {
    Person other;
    std::thread typing([&] { other.answer(typed); });
    const auto pin = read_pin(other.terminal(), "PIN", milliseconds(20000));
    typing.join();
    REQUIRE_FALSE(pin);
    CHECK(pin.error().code == code);
    CHECK(pin.error().text().find("xx") == std::string::npos);
  }
  CHECK(read_pin("/dev/null", "PIN", milliseconds(50)).error().code == Errc::unavailable);
  CHECK(read_pin("/nowhere", "PIN", milliseconds(50)).error().code == Errc::unavailable);
}

TEST_CASE("a PIN out of a file is the file without its newline") {
  const TemporaryFolder folder;
  const std::string path = folder.file("pin");
  REQUIRE(replace_file(path, as_bytes("12\n34\n"), 0600));
  CHECK(text_of(pin_of_file(path)) == "12\n34");
  REQUIRE(replace_file(path, as_bytes("\n"), 0600));
  CHECK(pin_of_file(path).error().code == Errc::out_of_range);
  REQUIRE(replace_file(path, as_bytes(std::string(258, 'x')), 0600));
  CHECK(pin_of_file(path).error().code == Errc::out_of_range);
}

TEST_CASE("a wrong PIN is asked for again, three times in all") {
  unsigned asked = 0;
  std::vector<std::string> told;
  const AskPin ask = [&] {
    ++asked;
    return SecretBytes::copy_of(as_bytes("pin"));
  };
  const Tell tell = [&](const std::string& sentence) { told.push_back(sentence); };
  const auto failing = [](Errc code) {
    return [code](const SecretBytes&) -> Result<SecretBytes> { return fail(code, "the PIN is wrong"); };
  };
  CHECK(with_pin(ask, failing(Errc::permission), tell).error().code == Errc::permission);
  CHECK(asked == 3);
  CHECK(told == std::vector<std::string>{"the PIN is wrong; 2 tries are left", "the PIN is wrong; 1 try is left"});
  asked = 0;
  CHECK(with_pin(ask, failing(Errc::throttled), tell).error().code == Errc::throttled);
  CHECK(asked == 1);
  asked = 0;
  const auto second = [&](SecretBytes pin) -> Result<SecretBytes> {
    if (asked < 2) return fail(Errc::permission, "the PIN is wrong");
    return pin;
  };
  CHECK(text_of(with_pin(ask, second, tell)) == "pin");
}
