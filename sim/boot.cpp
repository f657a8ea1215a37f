#include "sim/boot.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/encoding.h"
#include "evidence/event_log_writer.h"

namespace attestd::sim {
namespace {

// TCG PFP 1.06 section 10.4.1.
constexpr std::uint32_t ev_separator = 0x00000004;
constexpr std::uint32_t ev_s_crtm_version = 0x00000008;
constexpr std::uint32_t ev_ipl = 0x0000000d;
constexpr std::uint32_t ev_efi_variable_driver_config = 0x80000001;
constexpr std::uint32_t ev_efi_variable_boot = 0x80000002;
constexpr std::uint32_t ev_efi_boot_services_application = 0x80000003;
constexpr std::uint32_t ev_efi_action = 0x80000007;
constexpr std::uint32_t ev_efi_platform_firmware_blob2 = 0x8000000a;
constexpr std::uint32_t ev_efi_variable_authority = 0x800000e0;

// UEFI 2.10: EFI_GLOBAL_VARIABLE and EFI_IMAGE_SECURITY_DATABASE_GUID, as bytes.
constexpr std::string_view global_variable_hex = "61dfe48bca93d211aa0d00e098032b8c";
constexpr std::string_view image_security_database_hex = "cbb219d73a3d9645a3bcdad00e67656f";
constexpr std::string_view cert_sha256_hex = "2616c4c14c509240aca941f936934328";  // EFI_CERT_SHA256_GUID

FixedBytes<16> guid(std::string_view hex) {
  const Bytes bytes = from_hex(hex).value();
  FixedBytes<16> out{};
  std::copy_n(bytes.begin(), out.size(), out.begin());
  return out;
}
const FixedBytes<16> global_variable = guid(global_variable_hex);
const FixedBytes<16> image_security_database = guid(image_security_database_hex);

Bytes utf16(std::string_view ascii, bool terminated) {
  Writer out;
  for (const char c : ascii) out.le16(static_cast<std::uint16_t>(static_cast<unsigned char>(c)));
  if (terminated) out.le16(0);
  return out.take();
}

// EFI_SIGNATURE_DATA (UEFI 2.10 section 32.4.1): no owner, and the hash of a name
// in a key's place, since the simulator enrols no real keys.
Bytes signature_data(std::string_view name) {
  Writer out;
  return out.zeros(16).raw(digest(HashAlgorithm::sha256, {as_bytes(name)})).take();
}

Bytes signature_list(std::string_view name) {
  const Bytes data = signature_data(name);
  const auto size = static_cast<std::uint32_t>(data.size());
  Writer out;
  out.raw(guid(cert_sha256_hex)).le32(28 + size).le32(0).le32(size).raw(data);
  return out.take();
}

// A device path of one file path node (UEFI 2.10 section 10.3.5.4) and its end.
Bytes file_device_path(std::string_view path) {
  const Bytes name = utf16(path, true);
  Writer out;
  out.u8(4).u8(4).le16(static_cast<std::uint16_t>(4 + name.size())).raw(name);
  return out.u8(0x7f).u8(0xff).le16(4).take();
}

// UEFI_IMAGE_LOAD_EVENT, PFP section 10.2.3.
Bytes image_load_event(std::uint64_t address, std::uint64_t length, std::string_view path) {
  const Bytes device_path = file_device_path(path);
  Writer out;
  out.le64(address).le64(length).le64(0).le64(device_path.size());
  return out.raw(device_path).take();
}

// UEFI_PLATFORM_FIRMWARE_BLOB2, PFP section 10.2.5.
Bytes firmware_blob(std::string_view description, std::uint64_t address, std::uint64_t length) {
  Writer out;
  out.u8(static_cast<std::uint8_t>(description.size())).raw(as_bytes(description));
  return out.le64(address).le64(length).take();
}

class Recorder {
 public:
  explicit Recorder(const std::vector<HashAlgorithm>& banks) : banks_(banks), writer_(banks) {}

  // The digest is of `measured`, which the log need not hold.
  void event(unsigned pcr, std::uint32_t type, ByteView data, ByteView measured) {
    out_.extensions.push_back({pcr, writer_.measure(pcr, type, measured, data)});
    if (const auto rtmr = rtmr_of_pcr(pcr)) cc_event(*rtmr, type, data, measured);
  }
  void event(unsigned pcr, std::uint32_t type, ByteView data) { event(pcr, type, data, data); }

  void userspace(unsigned pcr, std::string_view type, std::string_view text) {
    UserspaceRecord record = write_userspace_record(pcr, banks_, type, text);
    out_.userspace_log.insert(out_.userspace_log.end(), record.bytes.begin(), record.bytes.end());
    out_.extensions.push_back({pcr, std::move(record.digests)});
  }

  MeasuredBoot take() {
    out_.firmware_log = writer_.bytes();
    out_.cc_event_log = cc_writer_.bytes();
    return std::move(out_);
  }

 private:
  void cc_event(unsigned rtmr, std::uint32_t type, ByteView data, ByteView measured) {
    // A register of several PCRs has one separator.
    if (type == ev_separator && std::exchange(separated_.at(rtmr), true)) return;
    const auto digests = cc_writer_.measure(rtmr + 1, type, measured, data);
    rtmr_extend(out_.rtmrs.at(rtmr), digests.at(0).value);
  }

  std::vector<HashAlgorithm> banks_;
  EventLogWriter writer_;
  EventLogWriter cc_writer_{{HashAlgorithm::sha384}};
  std::array<bool, 4> separated_{};
  MeasuredBoot out_;
};

void measure_firmware(Recorder& boot, const BootOptions& options) {
  boot.event(0, ev_s_crtm_version, utf16(options.firmware_version, true));
  boot.event(0, ev_efi_platform_firmware_blob2, firmware_blob("DXEFV", 0x900000, 0xc00000),
             as_bytes("volume of " + options.firmware_version));

  const Bytes on_or_off(1, options.secure_boot ? std::byte{1} : std::byte{0});
  const auto config = [&](const FixedBytes<16>& vendor, std::string_view name, ByteView contents) {
    boot.event(7, ev_efi_variable_driver_config, encode_uefi_variable_data(vendor, name, contents));
  };
  config(global_variable, "SecureBoot", on_or_off);
  const auto keys = [&](std::string_view owner) { return options.secure_boot ? signature_list(owner) : Bytes{}; };
  config(global_variable, "PK", keys("attestd-sim platform key"));
  config(global_variable, "KEK", keys("attestd-sim key exchange key"));
  config(image_security_database, "db", keys("attestd-sim image signer"));
  config(image_security_database, "dbx", keys("attestd-sim revoked image"));

  // EDK2 measures a boot variable's data alone, but logs the whole structure.
  const Bytes order = from_hex("0000").value();
  boot.event(1, ev_efi_variable_boot, encode_uefi_variable_data(global_variable, "BootOrder", order), order);
  Writer option;
  const Bytes path = file_device_path("\\EFI\\Linux\\sim.efi");
  option.le32(1).le16(static_cast<std::uint16_t>(path.size())).raw(utf16("Simulated Linux", true)).raw(path);
  boot.event(1, ev_efi_variable_boot, encode_uefi_variable_data(global_variable, "Boot0000", option.bytes()),
             option.bytes());

  boot.event(4, ev_efi_action, as_bytes("Calling EFI Application from Boot Option"));
  for (unsigned pcr = 0; pcr <= 7; ++pcr) boot.event(pcr, ev_separator, Bytes(4));
}

void measure_loader(Recorder& boot, const BootOptions& options) {
  if (options.secure_boot) {
    boot.event(7, ev_efi_variable_authority,
               encode_uefi_variable_data(image_security_database, "db", signature_data("attestd-sim image signer")));
  }
  boot.event(4, ev_efi_boot_services_application, image_load_event(0x7c000000, 0x1c00000, "\\EFI\\Linux\\sim.efi"),
             as_bytes("unified kernel image of " + options.kernel_version));

  // systemd-stub: each section's name, with its zero, and then its contents.
  for (const std::string_view section : {".linux", ".osrel", ".cmdline", ".initrd", ".uname"}) {
    const Bytes description = utf16(section, true);
    const std::string name = std::string(section) + '\0';
    boot.event(11, ev_ipl, description, as_bytes(name));
    boot.event(11, ev_ipl, description,
               as_bytes(section == ".cmdline" ? options.command_line
                                              : std::string(section) + " of " + options.kernel_version));
  }
  boot.event(12, ev_ipl, utf16(options.command_line, true));
  boot.event(5, ev_efi_action, as_bytes("Exit Boot Services Invocation"));
  boot.event(5, ev_efi_action, as_bytes("Exit Boot Services Returned with Success"));
}

void measure_userspace(Recorder& boot, const BootOptions& options) {
  for (const std::string_view phase : {"enter-initrd", "leave-initrd"}) {
    boot.userspace(11, "phase", phase);
  }
  boot.userspace(15, "machine-id", "machine-id:" + options.machine_id);
  for (const std::string_view phase : {"sysinit", "ready"}) boot.userspace(11, "phase", phase);
}

}  // namespace

MeasuredBoot measure_boot(const BootOptions& options) {
  Recorder boot(options.banks);
  measure_firmware(boot, options);
  measure_loader(boot, options);
  measure_userspace(boot, options);
  return boot.take();
}

}  // namespace attestd::sim
