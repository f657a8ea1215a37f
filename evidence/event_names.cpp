#include "evidence/event_names.h"

#include <array>
#include <string>
#include <utility>

#include "base/hex_number.h"
#include "evidence/event_log.h"

namespace attestd {
namespace {

constexpr auto names = std::to_array<std::pair<std::uint32_t, const char*>>({
    {0x00000000, "EV_PREBOOT_CERT"},
    {ev_post_code, "EV_POST_CODE"},
    {0x00000002, "EV_UNUSED"},
    {ev_no_action, "EV_NO_ACTION"},
    {ev_separator, "EV_SEPARATOR"},
    {ev_action, "EV_ACTION"},
    {ev_event_tag, "EV_EVENT_TAG"},
    {0x00000007, "EV_S_CRTM_CONTENTS"},
    {ev_s_crtm_version, "EV_S_CRTM_VERSION"},
    {0x00000009, "EV_CPU_MICROCODE"},
    {0x0000000a, "EV_PLATFORM_CONFIG_FLAGS"},
    {0x0000000b, "EV_TABLE_OF_DEVICES"},
    {0x0000000c, "EV_COMPACT_HASH"},
    {ev_ipl, "EV_IPL"},
    {0x0000000e, "EV_IPL_PARTITION_DATA"},
    {0x0000000f, "EV_NONHOST_CODE"},
    {0x00000010, "EV_NONHOST_CONFIG"},
    {0x00000011, "EV_NONHOST_INFO"},
    {0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    {0x00000013, "EV_POST_CODE2"},
    {ev_efi_variable_driver_config, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    {ev_efi_variable_boot, "EV_EFI_VARIABLE_BOOT"},
    {ev_efi_boot_services_application, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    {0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER"},
    {0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    {ev_efi_gpt_event, "EV_EFI_GPT_EVENT"},
    {ev_efi_action, "EV_EFI_ACTION"},
    {0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
    {ev_efi_handoff_tables, "EV_EFI_HANDOFF_TABLES"},
    {0x8000000a, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
    {0x8000000b, "EV_EFI_HANDOFF_TABLES2"},
    {ev_efi_variable_boot2, "EV_EFI_VARIABLE_BOOT2"},
    {0x8000000d, "EV_EFI_GPT_EVENT2"},
    {0x80000010, "EV_EFI_HCRTM_EVENT"},
    {ev_efi_variable_authority, "EV_EFI_VARIABLE_AUTHORITY"},
    {0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB"},
    {0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
    {0x800000e3, "EV_EFI_SPDM_DEVICE_POLICY"},
    {0x800000e4, "EV_EFI_SPDM_DEVICE_AUTHORITY"},
});

}  // namespace

std::string event_type_name(std::uint32_t type) {
  for (const auto& [value, name] : names) {
    if (value == type) return name;
  }
  return hex_number(type);
}

}  // namespace attestd
