#include "agent/mapped_volumes.h"

#include <sys/socket.h>

#include <thread>

#include "base/file.h"
#include "base/unix_socket.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

namespace attestd::agent {
namespace {

// Answers one who connects, as attestd-volumes does.
class FakeVolumes {
 public:
  explicit FakeVolumes(std::string answer) : answer_(std::move(answer)) {
    const auto address = unix_address(path());
    auto listener = unix_socket();
    REQUIRE(address);
    REQUIRE(listener);
    listener_ = *std::move(listener);
    REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0);
    REQUIRE(::listen(listener_.get(), 1) == 0);
    thread_ = std::thread([this] {
      const UniqueFd peer(::accept(listener_.get(), nullptr, nullptr));
      (void)write_all(peer.get(), "peer", as_bytes(answer_));
    });
  }
  FakeVolumes(const FakeVolumes&) = delete;
  FakeVolumes& operator=(const FakeVolumes&) = delete;
  ~FakeVolumes() { thread_.join(); }
  [[nodiscard]] std::string path() const { return folder_.file("volumes.sock"); }

 private:
  test::TemporaryFolder folder_;
  std::string answer_;
  UniqueFd listener_;
  std::thread thread_;
};

const std::vector<MappedDeviceReport> reports{
    {"254:0", "root", {{"crypt", "target_name=crypt,cipher_string=aes-xts-plain64,key_size=64;"}}},
    {"254:1", "other", {{"linear", ""}}}};

}  // namespace

TEST_CASE("attestd-volumes is asked for the tables") {
  const FakeVolumes volumes(encode_mapped_devices(reports));
  const auto devices = ask_for_mapped_devices(volumes.path());
  REQUIRE(devices);
  REQUIRE(devices->size() == 2);
  CHECK(devices->at(0).name == "root");
}

TEST_CASE("an attestd-volumes that is not there, says nothing, or says nonsense tells of no tables") {
  CHECK(ask_for_mapped_devices("/nonexistent/volumes.sock").error().code == Errc::not_found);
  const FakeVolumes silent("");
  CHECK_FALSE(ask_for_mapped_devices(silent.path()));
  const FakeVolumes nonsense(R"({"devices":7})");
  CHECK_FALSE(ask_for_mapped_devices(nonsense.path()));
}

TEST_CASE("a volume has what is in use on its own devices, and all of it") {
  hwio::MountedVolume volume{"/", "/dev/mapper/root", "ext4", false, {"crypt-luks2", "disk"}};
  volume.mapped = {{"254:0", "crypt-luks2"}};
  const auto mappings = mappings_of_volume(volume, reports);
  REQUIRE(mappings);
  CHECK(*mappings == std::vector<StorageMapping>{{"root", "crypt-luks2", "crypt", "aes-xts-plain64", 64}});
  volume.mapped.push_back({"254:7", "crypt-luks2"});
  CHECK(mappings_of_volume(volume, reports).error().code == Errc::not_found);
  CHECK(mappings_of_volume({}, {})->empty());
}

}  // namespace attestd::agent
