#include "client/source.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/encoding.h"
#include "base/file.h"
#include "base/unix_socket.h"
#include "client/http.h"
#include "client/input.h"
#include "client/subprocess.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace attestd;
using test::TemporaryFolder;
using namespace std::chrono_literals;

namespace {

UniqueFd listen_at(const std::string& path) {
  UniqueFd fd = unix_socket().value();
  const sockaddr_un address = unix_address(path).value();
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd.get(), 4) == 0);
  return fd;
}

Errc code_of(std::string_view text) {
  const auto source = parse_source(text);
  REQUIRE_FALSE(source);
  return source.error().code;
}

}  // namespace

TEST_CASE("a source is a scheme and its target") {
  using Kind = Source::Kind;
  CHECK(parse_source("unix:/a b").value() == Source{Kind::socket, "/a b"});
  CHECK(parse_source("file:bundle").value() == Source{Kind::file, "bundle"});
  CHECK(parse_source("exec:ssh vm attestctl evidence").value() == Source{Kind::command, "ssh vm attestctl evidence"});
  CHECK(source_name({Kind::command, "x"}) == "exec:x");
}

TEST_CASE("a path is a socket or a bundle by what is there") {
  const TemporaryFolder folder;
  const std::string socket = folder.file("socket");
  const UniqueFd listener = listen_at(socket);
  REQUIRE(replace_file(folder.file("bundle"), as_bytes("{}"), 0600));
  CHECK(parse_source(socket).value().kind == Source::Kind::socket);
  CHECK(parse_source(folder.file("bundle")).value().kind == Source::Kind::file);
  CHECK(code_of(folder.path()) == Errc::usage);
  CHECK(code_of(folder.file("nothing")) == Errc::not_found);
}

TEST_CASE("an https source has the gateway's port when it names none") {
  using Kind = Source::Kind;
  CHECK(parse_source("https://vm.example/").value() == Source{Kind::https, "https://vm.example:28443"});
  CHECK(parse_source("https://vm.example:443").value() == Source{Kind::https, "https://vm.example:443"});
  CHECK(code_of("https://vm.example/v1/evidence") == Errc::usage);
  CHECK(agent_socket("https://vm.example").error().code == Errc::usage);
}

TEST_CASE("schemes that are not there are refused, with those that are") {
  CHECK(code_of("http://vm.example/") == Errc::usage);
  CHECK(parse_source("http://vm.example/").error().message.find("https://HOST") != std::string::npos);
  CHECK(code_of("ftp:x") == Errc::usage);
  CHECK(code_of("unix:") == Errc::usage);
  CHECK(code_of("exec:") == Errc::usage);
}

TEST_CASE("the default source is the agent's socket, or what the environment names") {
  ::unsetenv("ATTESTD_SOCKET");
  CHECK(parse_source("").value() == Source{Source::Kind::socket, std::string(default_agent_socket)});
  ::setenv("ATTESTD_SOCKET", "unix:/x", 1);
  CHECK(parse_source("").value().target == "/x");
  CHECK(agent_socket("").value() == "/x");
  ::unsetenv("ATTESTD_SOCKET");
  CHECK(agent_socket("unix:/y").value() == "/y");
  CHECK(agent_socket("/z").value() == "/z");
}

TEST_CASE("a nonce has 8 to 64 bytes of hexadecimal") {
  CHECK(parse_nonce("0011223344556677").value().size() == 8);
  CHECK(parse_nonce(std::string(128, 'a')).value().size() == 64);
  for (const std::string& hex : {std::string("00112233445566"), std::string(130, 'a'), std::string("xx"),
                                 std::string("001122334455667"), std::string()}) {
    CHECK(parse_nonce(hex).error().code == Errc::usage);
  }
  CHECK(fresh_nonce().value().size() == 32);
  CHECK(fresh_nonce().value() != fresh_nonce().value());
}

TEST_CASE("a command is told the nonce and the purpose, and its output is the evidence") {
  const EvidenceRequest request{from_hex("00ff00ff00ff00ff").value(), Purpose::monitor, 10s};
  const auto text = fetch_evidence(
      {Source::Kind::command, "printf '%s %s %s' $ATTESTD_NONCE $ATTESTD_NONCE_BASE64URL $ATTESTD_PURPOSE"}, request);
  REQUIRE(text);
  CHECK(text->bundle == "00ff00ff00ff00ff AP8A_wD_AP8 monitor");
}

TEST_CASE("a command that fails, hangs or floods is an error") {
  const auto run = [](std::string command, std::chrono::milliseconds timeout, std::size_t limit) {
    return command_output({.command = std::move(command), .environment = {}, .timeout = timeout, .limit = limit});
  };
  CHECK(run("echo partial; exit 3", 10s, 100).error().code == Errc::unavailable);
  CHECK(run("echo partial; exit 3", 10s, 100).error().message.find("status 3") != std::string::npos);
  CHECK(run("kill -9 $$", 10s, 100).error().message.find("signal 9") != std::string::npos);
  CHECK(run("cat /dev/zero", 10s, 100).error().code == Errc::out_of_range);
  CHECK(run("printf 12345", 10s, 5).value() == "12345");
  CHECK(run("printf 123456", 10s, 5).error().code == Errc::out_of_range);

  const auto before = std::chrono::steady_clock::now();
  CHECK(run("sleep 20 & sleep 20", 200ms, 100).error().code == Errc::timed_out);
  CHECK(run("exec >&-; sleep 20", 200ms, 100).error().code == Errc::timed_out);
  CHECK(std::chrono::steady_clock::now() - before < 5s);
}

TEST_CASE("an agent that is not there or does not answer is an error that says what to do") {
  const TemporaryFolder folder;
  const auto get = [](const std::string& socket) {
    return http_exchange({.socket = socket, .target = "/v1/status", .body = {}, .timeout = 200ms, .limit = 100});
  };
  CHECK(get(folder.file("none")).error().code == Errc::not_found);
  CHECK(get(folder.file("none")).error().message.find("attestd.socket") != std::string::npos);
  CHECK(get(std::string(200, 'x')).error().code == Errc::usage);
  {
    const UniqueFd closed = listen_at(folder.file("closed"));
  }
  CHECK(get(folder.file("closed")).error().code == Errc::unavailable);
  const UniqueFd silent = listen_at(folder.file("silent"));
  CHECK(get(folder.file("silent")).error().code == Errc::timed_out);
}

TEST_CASE("a file that may never end is refused, unless a descriptor is named") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo(folder.file("fifo").c_str(), 0600) == 0);
  const std::string good = folder.write("good", "text");
  for (const std::string& path : {folder.file("fifo"), std::string("/dev/zero"), folder.path()}) {
    INFO(path);
    const auto bytes = read_input(path, 100);
    REQUIRE_FALSE(bytes);
    CHECK(bytes.error().code == Errc::usage);
  }
  CHECK(read_input(folder.file("nothing"), 100).error().code == Errc::not_found);
  CHECK(as_text(*read_input(good, 100)) == "text");
  CHECK(read_input(good, 3).error().code == Errc::out_of_range);
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const UniqueFd reader(pipe[0]);
  UniqueFd writer(pipe[1]);
  REQUIRE(write_all(writer.get(), "pipe", as_bytes("piped")));
  writer.reset();
  CHECK(as_text(*read_input("/dev/fd/" + std::to_string(reader.get()), 100)) == "piped");
}

TEST_CASE("a problem document becomes one sentence and its code") {
  const Error wiped = problem_to_error(
      503, "application/problem+json",
      R"({"type":"tag:attestd,2026:problem:hardware-key-wiped","title":"No report until reboot","detail":"the key was wiped","status":503})");
  CHECK(wiped.code == Errc::key_wiped);
  CHECK(wiped.message == R"("No report until reboot: the key was wiped" (HTTP status 503))");
  CHECK(problem_to_error(400, "text/html", "<html>").code == Errc::usage);
  CHECK(problem_to_error(502, "application/problem+json", "not json").code == Errc::unavailable);
  CHECK(problem_to_error(400, "application/problem+json; charset=utf-8", R"({"type":"about:blank","title":"T"})")
            .message == R"("T" (HTTP status 400))");
}
