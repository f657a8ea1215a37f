#include <algorithm>

#include "evidence/event_names.h"
#include "verifier/policy_write_internal.h"

namespace attestd {
namespace {

// What each register is for: TCG PC Client Platform Firmware Profile 1.06
// section 3.3.4 and, from 8 on, the UAPI group's TPM PCR registry.
constexpr PcrUse pcr_uses[] = {
    {0, true, "firmware code"},
    {1, true, "firmware configuration; changes with the VM's hardware settings"},
    {2, true, "option ROMs"},
    {3, true, "option ROM configuration"},
    {4, true, "boot loader and kernel; changes with every kernel update"},
    {5, true, "boot loader configuration and partition table"},
    {6, true, "resume events, host-specific"},
    {7, true, "Secure Boot state and certificates"},
    {8, false, "GRUB commands, kernel command line"},
    {9, false, "files that GRUB read, initrds of the EFI stub"},
    {10, false, "IMA: grows with every file that is measured"},
    {11, false, "unified kernel image and boot phases"},
    {12, false, "kernel command line and credentials of systemd-stub"},
    {13, false, "system extensions"},
    {14, false, "MOK certificates of shim"},
    {15, false, "machine ID and mounted file systems of systemd"},
};

// Who measured into PCR 9. Its events' data are the host's to write: they choose a comment and whether a
// line is offered, and what the line pins is the register.
enum class PcrNine { nobody, kernel_stub, unified_image, boot_loader };

// TCG PC Client Platform Firmware Profile 1.06 section 10.4.2.1: the ID of a tagged event, of which Linux'
// EFI stub has these two (drivers/firmware/efi/libstub/efi-stub-helper.c).
bool is_of_kernel_stub(const Event& event) {
  constexpr std::uint32_t initrd = 0x8f3b22ec;
  constexpr std::uint32_t load_options = 0x8f3b22ed;
  if (event.type != ev_event_tag || event.data.size() < 4) return false;
  std::uint32_t id = 0;
  for (std::size_t i = 4; i-- > 0;) id = id << 8U | std::to_integer<std::uint32_t>(event.data[i]);
  return id == initrd || id == load_options;
}

PcrNine who_measured_nine(const EventLog& log) {
  const auto in = [](std::uint32_t pcr) {
    return [pcr](const Event& event) { return event.register_index == pcr && event.type != ev_no_action; };
  };
  if (std::ranges::none_of(log.events, in(9))) return PcrNine::nobody;
  const bool stub =
      std::ranges::all_of(log.events, [&](const Event& event) { return !in(9)(event) || is_of_kernel_stub(event); });
  if (!stub) return PcrNine::boot_loader;
  // systemd-stub measures the image's sections into 11, before the kernel's stub does its part.
  return std::ranges::any_of(log.events, in(11)) ? PcrNine::unified_image : PcrNine::kernel_stub;
}

PcrUse use_of_nine(const EventLog& log, const PcrUse& otherwise) {
  switch (who_measured_nine(log)) {
    case PcrNine::kernel_stub:
      return {9, true, "kernel command line and initrd, by the kernel's EFI stub; changes with every initrd"};
    case PcrNine::unified_image:
      return {9, false, "initrd, by the kernel's EFI stub; of a unified kernel image 4 and 11 have it already"};
    case PcrNine::boot_loader:
      return {9, false,
              "files that the boot loader read, kernel and initrd among them, and what GRUB keeps between boots"};
    case PcrNine::nobody: break;
  }
  return otherwise;
}

}  // namespace

std::optional<PcrUse> use_of_pcr(unsigned index, const std::optional<EventLog>& log) {
  const auto* const found = std::ranges::find(pcr_uses, index, &PcrUse::index);
  if (found == std::ranges::end(pcr_uses)) return std::nullopt;
  return index == 9 && log ? use_of_nine(*log, *found) : *found;
}

}  // namespace attestd
