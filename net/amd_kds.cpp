#include "net/amd_kds.h"

#include <algorithm>

#include "base/encoding.h"

namespace attestd {
namespace {

constexpr std::size_t turin_chip_id_size = 8;

// "https://kdsintf.amd.com/vcek/v1/Milan/"
std::string folder(std::string_view base, SnpProduct product, std::string_view kind) {
  while (base.ends_with('/')) base.remove_suffix(1);
  return std::string(base) + (kind == "VLEK" ? "/vlek/v1/" : "/vcek/v1/") + std::string(snp_product_name(product)) +
         "/";
}

}  // namespace

std::string amd_vcek_url(std::string_view base, SnpProduct product, ByteView chip_id, std::uint64_t tcb) {
  if (product == SnpProduct::turin) chip_id = chip_id.first(std::min(chip_id.size(), turin_chip_id_size));
  const SnpTcb levels = decode_snp_tcb(tcb, product);
  std::string out = folder(base, product, "VCEK") + to_hex(chip_id) + "?";
  // The service takes two digits for each.
  const auto add = [&out](std::string_view name, std::uint8_t level) {
    const std::string digits = std::to_string(level);
    out += std::string(name) + "=" + (digits.size() < 2 ? "0" : "") + digits;
  };
  if (levels.fmc) {
    add("fmcSPL", *levels.fmc);
    out += '&';
  }
  add("blSPL", levels.bootloader);
  add("&teeSPL", levels.tee);
  add("&snpSPL", levels.snp);
  add("&ucodeSPL", levels.microcode);
  return out;
}

std::string amd_chain_url(std::string_view base, SnpProduct product, std::string_view kind) {
  return folder(base, product, kind) + "cert_chain";
}

std::string amd_crl_url(std::string_view base, SnpProduct product, std::string_view kind) {
  return folder(base, product, kind) + "crl";
}

}  // namespace attestd
