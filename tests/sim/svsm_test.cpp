// The SVSM's model, asked by the agent's own code for configfs-tsm.
#include "sim/svsm.h"

#include <cerrno>

#include "evidence/svsm_manifest.h"
#include "hwio/configfs_tsm.h"
#include "sim/inprocess.h"
#include "tests/catch.h"
#include "tests/sim/fixtures.h"

namespace attestd::sim {
namespace {

using test::psp_config;
using test::report_data;

// A report whose VMPL and data can be read.
Result<Bytes> readable_report(const SnpReport& report) {
  Writer out;
  out.le32(report.version).zeros(0x2c).le32(report.vmpl).zeros(0x1c).raw(report.report_data);
  return out.zeros(snp_report_size - out.bytes().size()).take();
}

PspConfig guest_config() {
  PspConfig config = psp_config();
  config.guest_vmpl = 2;
  return config;
}

const Bytes key(314, std::byte{0x11});

struct Guest {
  Psp psp{guest_config(), readable_report};
  Svsm svsm{psp};
  TsmModel tree{svsm};
  Guest() { svsm.set_endorsement_key(key); }
  std::unique_ptr<hwio::ReportDevice> device(std::string service = std::string(hwio::svsm_vtpm_service)) {
    hwio::ConfigfsTsmOptions options;
    options.svsm_service = std::move(service);
    options.first_backoff = std::chrono::milliseconds(0);
    return hwio::make_configfs_tsm(make_tsm_files(tree), options);
  }
};

ByteView data_of(const Bytes& report) { return ByteView(report).subspan(0x50, 64); }
unsigned vmpl_of(const Bytes& report) { return std::to_integer<unsigned>(report[0x30]); }

TEST_CASE("the SVSM's report is of VMPL 0, binds its manifest, and comes with the host's certificates") {
  Guest guest;
  const auto device = guest.device();
  const auto report = device->report(report_data(0x5a));
  REQUIRE(report);
  CHECK(report->manifest == key);
  CHECK(vmpl_of(report->report) == 0);
  CHECK(to_bytes(data_of(report->report)) == to_bytes(svsm_report_data(report_data(0x5a), key)));
  CHECK(as_text(report->certificates) == "certificates of the host");
  CHECK(guest.psp.reports() == 2);
  // They are the same for this TCB: one request from now on.
  REQUIRE(device->report(report_data(0x5b)));
  CHECK(guest.psp.reports() == 3);
  CHECK(guest.tree.entries().empty());
}

TEST_CASE("all services come as one table") {
  Guest guest;
  const auto report = guest.device("00000000-0000-0000-0000-000000000000")->report(report_data(1));
  REQUIRE(report);
  CHECK(svsm_endorsement_area(report->manifest) == key);
  CHECK(to_bytes(data_of(report->report)) == to_bytes(svsm_report_data(report_data(1), report->manifest)));
}

TEST_CASE("a service that there is not is refused") {
  Guest guest;
  const auto report = guest.device("01234567-89ab-cdef-0123-456789abcdef")->report(report_data(1));
  REQUIRE_FALSE(report);
  CHECK(report.error().code == Errc::usage);
  Guest without_key;
  without_key.svsm.set_endorsement_key({});
  CHECK_FALSE(without_key.device()->report(report_data(1)));
}

TEST_CASE("without an SVSM its services are missed by name") {
  Psp psp(psp_config(), readable_report);
  TsmModel tree(psp);
  hwio::ConfigfsTsmOptions options;
  options.svsm_service = std::string(hwio::svsm_vtpm_service);
  const auto report = hwio::make_configfs_tsm(make_tsm_files(tree), options)->report(report_data(1));
  REQUIRE_FALSE(report);
  CHECK(report.error().code == Errc::not_found);
  CHECK(report.error().message.find("does not run under an SVSM") != std::string::npos);
  const auto plain = make_tsm_files(tree);
  CHECK(hwio::has_svsm_services(*plain) == false);
  Guest guest;
  const auto files = make_tsm_files(guest.tree);
  CHECK(hwio::has_svsm_services(*files) == true);
  CHECK(guest.tree.entries().empty());
}

TEST_CASE("the guest's own requests stay at its privilege level") {
  Guest guest;
  const auto own = hwio::make_configfs_tsm(make_tsm_files(guest.tree), {.privlevel = 2})->report(report_data(1));
  REQUIRE(own);
  CHECK(vmpl_of(own->report) == 2);
  CHECK(own->manifest.empty());
  CHECK_FALSE(hwio::make_configfs_tsm(make_tsm_files(guest.tree), {.privlevel = 0})->report(report_data(1)));
}

TEST_CASE("an attribute of services refuses what Linux refuses") {
  Guest guest;
  REQUIRE(guest.tree.make_entry("e") == 0);
  CHECK(guest.tree.write("e", "service_guid", as_bytes("no guid")) == EINVAL);
  CHECK(guest.tree.write("e", "service_guid", as_bytes("C476F1EB-0123-45A5-9641-B4E7DDE5BFE3\n")) == 0);
  CHECK(guest.tree.write("e", "service_manifest_version", as_bytes("x")) == EINVAL);
  CHECK(guest.tree.write("e", "service_manifest_version", as_bytes("1")) == 0);
  CHECK(guest.tree.write("e", "service_provider", as_bytes("another")) == 0);
  CHECK(guest.tree.write("e", "inblob", Bytes(64)) == 0);
  CHECK(guest.tree.read("e", "outblob").error() == EINVAL);
  CHECK(guest.tree.read("e", "service_guid").error() == EACCES);
  CHECK(guest.tree.write("e", "manifestblob", as_bytes("x")) == EACCES);
}

}  // namespace
}  // namespace attestd::sim
