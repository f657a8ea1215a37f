// LUKS2 volumes that are mapped now, as sysfs and device-mapper show them. Source: cryptsetup lib/utils_dm.h
// (dm_build_dm_uuid).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hwio/device_mapper.h"

namespace attestd {

struct ActiveVolume {
  std::string name;    // "/dev/mapper/" and this
  std::string node;    // "dm-0"
  std::string uuid;    // of the LUKS2 header
  std::string device;  // "/dev/vda2", under whatever lies between; empty when it has none or several
};

// `sys_block`: /sys/block. Those whose UUID says that cryptsetup made them of a LUKS2 header; sorted by node.
std::vector<ActiveVolume> active_volumes(const std::string& sys_block);

// How the kernel encrypts a mapping, in dm-crypt's words ("aes-xts-plain64", "capi:gcm(aes)-random"). Errors: not_found
// (no such mapping, or it is none of dm-crypt alone), unavailable (the kernel does not say), malformed (it says it
// otherwise than Linux's dm-ima.rst has it).
Result<std::string> active_cipher(const std::vector<hwio::MappedDevice>& devices, const std::string& name);
// The same words for what a LUKS2 header says of its data: "aes-xts-random" and "hmac(sha256)" is
// "capi:authenc(hmac(sha256),xts(aes))-random". Empty where there are none. Source: cryptsetup lib/libdevmapper.c
// (cipher_c2dm).
std::string kernel_cipher(std::string_view encryption, std::string_view integrity);

}  // namespace attestd
