// What attestd-unlock is told: by the image, /etc/attestd/unlock.toml, and by the kernel's command
// line, which wins. Both are measured; nothing else is read.
//
//   [unlock]                        on the command line
//   url = ""                        rd.attestd.url=        "https://HOST[:PORT]" of the relying party
//   ca = ""                         rd.attestd.ca=         file with the roots of its certificate (PEM); required
//   resource = ""                   rd.attestd.resource=   REPOSITORY/TYPE/TAG; "": default/luks/UUID
//   evidence = "bundle"             rd.attestd.evidence=   "bundle", or "trustee" for Trustee's own server
//   budget = "300s"                 rd.attestd.budget=300  seconds until it gives up
//   end = "poweroff"                rd.attestd.end=        what follows then; read by the initrd's scripts
//   header = ""                     rd.attestd.header=     64 hex digits: the only LUKS2 header that is opened
//   policy = ""                     rd.attestd.policy=     that is to judge, where the relying party has many
//   method = "broker"               rd.attestd.method=     "broker" (the relying party), or "vtpm": vtpm/sealed.h
//   vtpm = "isolated"               rd.attestd.vtpm=       or "any": a TPM that the host may own, vtpm/isolation.h
//   vtpm-key = "/etc/systemd/tpm2-pcr-public-key.pem"      rd.attestd.vtpm-key=         the owner's, PEM
//   vtpm-signatures = "/run/systemd/tpm2-pcr-signature.json"  rd.attestd.vtpm-signatures=  of this boot's PCRs
//   pin = "never"                   rd.attestd.pin=        or "console": a volume enrolled with a PIN asks for it there
//   latch = ""                      rd.attestd.latch=      name of the volume after which nothing is unlocked in this
//                                                          boot; "": with the TPM each is, with a broker none
//   first-boot = "none"             rd.attestd.first-boot= "encrypt" or "format": unlock/first_boot.h
//   image = ""                      rd.attestd.image=      "sha256:HEX" of the file system to encrypt, or "any"
//   device = ""                     rd.attestd.device=     the disk of a first boot: absolute path
//   first-boot-volume = ""          rd.attestd.first-boot-volume=  its name, where several volumes are named
//                                   rd.attestd.enrolment-token=    unlock/enrolment_token.h; also where nothing
//                                   measures
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "vtpm/isolation.h"

namespace attestd::unlock {

inline constexpr std::string_view default_settings_path = "/etc/attestd/unlock.toml";

enum class EvidenceForm { bundle, trustee };
enum class Method { broker, vtpm };
enum class FirstBootMode { none, encrypt, format };

// Which plain image may be encrypted.
struct ImageRule {
  bool any = false;
  std::optional<FixedBytes<32>> digest;  // SHA-256 of its file system
};

struct Settings {
  std::string url;
  std::string ca;
  std::string resource;
  EvidenceForm evidence = EvidenceForm::bundle;
  std::chrono::milliseconds budget{300000};
  std::string end = "poweroff";
  std::string policy;
  std::string header;
  Method method = Method::broker;
  vtpm::Require vtpm = vtpm::Require::isolated;
  std::string policy_key = "/etc/systemd/tpm2-pcr-public-key.pem";
  std::string signatures = "/run/systemd/tpm2-pcr-signature.json";
  bool pin_on_console = false;
  std::string latch;
  FirstBootMode first_boot = FirstBootMode::none;
  ImageRule image;
  std::string device;
  std::string first_boot_volume;
  std::string enrolment_token;  // of the command line alone
};

// Of a file of the kernel's or the image's; empty where it cannot be read, or is longer than `limit` bytes.
std::string text_of(const std::string& path, std::size_t limit = std::size_t{64} << 10U);

// Words of a command line, of which those in double quotes may have blanks (Linux, lib/cmdline.c next_arg).
std::vector<std::string> split_command_line(std::string_view line);
// Errors: malformed, out_of_range: also a word that begins with "rd.attestd." and is none of the above.
Result<Settings> parse_settings(std::string_view toml, std::string_view name, std::string_view command_line);
// The default where there is no file.
Result<Settings> load_settings(const std::string& path, const std::string& command_line_path);

// Where a volume of this name is: its UUID, by rd.luks.name=UUID=NAME, rd.luks.uuid=UUID (named luks-UUID), or a
// crypttab(5) of the image. Errors: not_found (nothing names it), malformed.
Result<std::string> volume_uuid(std::string_view name, std::string_view command_line, std::string_view crypttab);

// Names of all volumes that the command line has, by rd.luks.name=.
std::vector<std::string> volume_names(std::string_view command_line);

// Whether cryptsetup is told to open the volume with the header at `path`; else it would read the disk's own, whatever
// was judged. As systemd-cryptsetup-generator(8) has it: rd.luks.options=UUID=OPTIONS wins over the image's crypttab,
// and rd.luks.options=OPTIONS is for volumes that are in neither. Where one is given more than once, all must say so.
bool opens_with_header(std::string_view name, std::string_view uuid, std::string_view path,
                       std::string_view command_line, std::string_view crypttab);

}  // namespace attestd::unlock
