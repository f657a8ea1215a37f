// Event types under their names.
// Source: TCG "PC Client Platform Firmware Profile" 1.06 section 10.4.1, table 27.
#pragma once

#include <cstdint>

namespace attestd {

inline constexpr std::uint32_t ev_post_code = 0x00000001;
inline constexpr std::uint32_t ev_separator = 0x00000004;
inline constexpr std::uint32_t ev_action = 0x00000005;
inline constexpr std::uint32_t ev_event_tag = 0x00000006;
inline constexpr std::uint32_t ev_s_crtm_version = 0x00000008;
inline constexpr std::uint32_t ev_ipl = 0x0000000d;
inline constexpr std::uint32_t ev_efi_variable_driver_config = 0x80000001;
inline constexpr std::uint32_t ev_efi_variable_boot = 0x80000002;
inline constexpr std::uint32_t ev_efi_boot_services_application = 0x80000003;
inline constexpr std::uint32_t ev_efi_gpt_event = 0x80000006;
inline constexpr std::uint32_t ev_efi_action = 0x80000007;
inline constexpr std::uint32_t ev_efi_handoff_tables = 0x80000009;
inline constexpr std::uint32_t ev_efi_variable_boot2 = 0x8000000c;
inline constexpr std::uint32_t ev_efi_variable_authority = 0x800000e0;

}  // namespace attestd
