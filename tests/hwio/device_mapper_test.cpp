#include "hwio/device_mapper.h"

#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>

#include "tests/catch.h"

namespace attestd::hwio {
namespace {

// As drivers/md/dm-ioctl.c answers: everything in one buffer, behind its header.
class FakeControl final : public IoctlDevice {
 public:
  struct Device {
    std::uint64_t number = 0;
    std::string name;
    std::vector<MappedTarget> targets{};
    int error = 0;  // errno of asking for its table
  };
  explicit FakeControl(std::vector<Device> given, std::uint32_t version = DM_VERSION_MINOR)
      : devices(std::move(given)), minor(version) {}
  std::vector<Device> devices;
  std::uint32_t minor;
  int error = 0;
  std::vector<std::uint32_t> flags{};                          // of each question for a table
  std::function<void(dm_ioctl&, std::byte*)> spoil = nullptr;  // the answer, before it is given

  int ioctl(unsigned long request, void* argument) override {
    if (error != 0) return error;
    dm_ioctl header;
    std::memcpy(&header, argument, sizeof header);
    auto* const buffer = static_cast<std::byte*>(argument);
    const std::size_t space = header.data_size - header.data_start;
    Bytes out;
    if (request == DM_LIST_DEVICES) {
      out = list();
    } else {
      flags.push_back(header.flags);
      const auto found =
          std::find_if(devices.begin(), devices.end(), [&](const Device& one) { return one.number == header.dev; });
      if (found == devices.end() || found->error != 0) return found == devices.end() ? ENXIO : found->error;
      header.target_count = static_cast<std::uint32_t>(found->targets.size());
      out = table(*found);
    }
    header.version[1] = minor;
    if (out.size() > space) {
      header.flags |= DM_BUFFER_FULL_FLAG;
      out.clear();
    }
    header.data_size = header.data_start + static_cast<std::uint32_t>(out.size());
    if (!out.empty()) std::memcpy(buffer + header.data_start, out.data(), out.size());
    if (spoil) spoil(header, buffer + header.data_start);
    std::memcpy(buffer, &header, sizeof header);
    return 0;
  }
  [[nodiscard]] std::string where() const override { return "/dev/mapper/control"; }

 private:
  static std::size_t aligned(std::size_t size) { return (size + 7) / 8 * 8; }

  [[nodiscard]] Bytes list() const {
    Bytes out;
    for (std::size_t i = 0; i < devices.size(); ++i) {
      const std::size_t begin = out.size();
      const std::size_t size = aligned(offsetof(dm_name_list, name) + devices[i].name.size() + 1);
      out.resize(begin + size);
      const std::uint32_t next = i + 1 < devices.size() ? static_cast<std::uint32_t>(size) : 0;
      std::memcpy(out.data() + begin, &devices[i].number, sizeof devices[i].number);
      std::memcpy(out.data() + begin + sizeof(std::uint64_t), &next, sizeof next);
      std::memcpy(out.data() + begin + offsetof(dm_name_list, name), devices[i].name.data(), devices[i].name.size());
    }
    if (devices.empty()) out.resize(sizeof(std::uint64_t));
    return out;
  }
  static Bytes table(const Device& device) {
    Bytes out;
    for (const MappedTarget& target : device.targets) {
      const std::size_t begin = out.size();
      out.resize(begin + aligned(sizeof(dm_target_spec) + target.status.size() + 1));
      dm_target_spec spec = {};
      spec.next = static_cast<std::uint32_t>(out.size());
      std::memcpy(static_cast<char*>(spec.target_type), target.type.data(), target.type.size());
      std::memcpy(out.data() + begin, &spec, sizeof spec);
      std::memcpy(out.data() + begin + sizeof spec, target.status.data(), target.status.size());
    }
    return out;
  }
};

constexpr std::uint64_t number(std::uint64_t major_number, std::uint64_t minor_number) {
  return (minor_number & 0xffU) | (major_number << 8U) | ((minor_number & ~0xffULL) << 12U);
}

}  // namespace

TEST_CASE("each device is told with its targets in their order") {
  FakeControl control({{number(254, 0), "root", {{"crypt", "target_name=crypt;"}, {"linear", ""}}},
                       {number(254, 300), "usr", {{"verity", "target_name=verity;"}}},
                       {number(254, 2), "unloaded"}});
  const auto devices = read_mapped_devices(control);
  REQUIRE(devices);
  REQUIRE(devices->size() == 3);
  CHECK(devices->at(0).number == "254:0");
  CHECK(devices->at(0).name == "root");
  REQUIRE(devices->at(0).targets.size() == 2);
  CHECK(devices->at(0).targets.at(0).type == "crypt");
  CHECK(devices->at(0).targets.at(0).status == "target_name=crypt;");
  CHECK(devices->at(0).targets.at(1).type == "linear");
  CHECK(devices->at(1).number == "254:300");
  CHECK(devices->at(2).targets.empty());
}

TEST_CASE("no question is one whose answer has keys in it") {
  FakeControl control({{number(254, 0), "root", {{"crypt", "x"}}}});
  REQUIRE(read_mapped_devices(control));
  REQUIRE(control.flags.size() == 1);
  CHECK((control.flags.front() & DM_IMA_MEASUREMENT_FLAG) != 0);
  CHECK((control.flags.front() & DM_STATUS_TABLE_FLAG) == 0);
}

TEST_CASE("what an older kernel tells is not taken for what IMA would measure") {
  FakeControl control({{number(254, 0), "root", {{"crypt", "something else"}}}}, 44);
  const auto devices = read_mapped_devices(control);
  REQUIRE(devices);
  CHECK(devices->at(0).targets.at(0).type == "crypt");
  CHECK(devices->at(0).targets.at(0).status.empty());
}

TEST_CASE("a machine without mapped devices has none") {
  FakeControl control({});
  const auto devices = read_mapped_devices(control);
  REQUIRE(devices);
  CHECK(devices->empty());
}

TEST_CASE("a long answer is asked for again with more room, to an end") {
  FakeControl control({{number(254, 0), "root", {{"crypt", std::string(100'000, 'x')}}}});
  const auto devices = read_mapped_devices(control);
  REQUIRE(devices);
  CHECK(devices->at(0).targets.at(0).status.size() == 100'000);
  control.devices[0].targets[0].status = std::string(1'100'000, 'x');
  CHECK(read_mapped_devices(control).error().code == Errc::out_of_range);
}

TEST_CASE("a device that is gone meanwhile is left out, and another failure is one") {
  FakeControl control({{number(254, 0), "gone", {}, ENXIO}, {number(254, 1), "root", {{"crypt", "x"}}}});
  const auto devices = read_mapped_devices(control);
  REQUIRE(devices);
  CHECK(devices->size() == 1);
  control.devices[0].error = EIO;
  CHECK(read_mapped_devices(control).error().code == Errc::io);
  control.error = EACCES;
  CHECK(read_mapped_devices(control).error().code == Errc::permission);
}

TEST_CASE("an answer that leads out of itself is refused") {
  const auto answer = [](std::function<void(dm_ioctl&, std::byte*)> spoil) {
    FakeControl control({{number(254, 0), "root", {{"crypt", "status"}, {"crypt", "status"}}},
                         {number(254, 1), "more", {{"crypt", "status"}, {"crypt", "status"}}}});
    control.spoil = std::move(spoil);
    return read_mapped_devices(control);
  };
  const auto put = [](std::byte* at, std::uint32_t value) { std::memcpy(at, &value, sizeof value); };
  const std::vector<std::function<void(dm_ioctl&, std::byte*)>> spoils{
      [](dm_ioctl& header, std::byte*) { header.data_size = 1U << 30U; },
      [](dm_ioctl& header, std::byte*) { header.data_start = 1U << 30U; },
      [&](dm_ioctl& header, std::byte* data) {
        if (header.target_count == 0) put(data + 8, 1U << 30U);  // next of the list
      },
      [&](dm_ioctl& header, std::byte* data) {
        if (header.target_count > 0) put(data + 20, 0);  // next of the table
      },
      [&](dm_ioctl& header, std::byte* data) {
        if (header.target_count > 0) put(data + 20, 1U << 30U);
      },
      [](dm_ioctl& header, std::byte*) {
        if (header.target_count > 0) header.target_count = 1000;
      },
      [](dm_ioctl& header, std::byte*) { header.data_size -= 2; },
  };
  for (const auto& spoil : spoils) {
    const auto refused = answer(spoil);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::malformed);
  }
}

}  // namespace attestd::hwio
