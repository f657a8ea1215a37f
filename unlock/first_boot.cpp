#include "unlock/first_boot.h"

#include <unistd.h>

#include "base/encoding.h"
#include "base/text.h"
#include "luks/token.h"
#include "unlock/encrypt_in_place.h"
#include "unlock/format_volume.h"
#include "unlock/new_header_internal.h"

namespace attestd::unlock {
namespace {

using std::chrono::milliseconds, std::chrono::seconds;

constexpr milliseconds look_again{200};
constexpr seconds tell_every{5};
constexpr std::size_t digest_size = 32;  // bytes

std::unexpected<Error> refuse(const FirstBoot& first, const std::string& reason) {
  return fail(Errc::refused, first.volume.device + " has " + reason);
}

Result<Survey> survey_of(const Disk& disk) {
  Bytes head(std::min<std::uint64_t>(survey_size, disk.size()));
  ATTESTD_CHECK(disk.read(0, head));
  return survey_disk(head, disk.size());
}

Result<FirstBootMode> plan_encryption(const FirstBoot& first, const Survey& survey, std::uint64_t disk_size) {
  if (survey.kind != DiskKind::ext) {
    return refuse(first, survey.found + ", and only a file system of ext4 is encrypted in place");
  }
  if (!first.settings.image.any && !first.settings.image.digest) {
    return fail(Errc::usage,
                "nothing says which image may be encrypted: rd.attestd.image=sha256:HEX, or rd.attestd.image=any");
  }
  if (survey.filesystem_size < least_filesystem) return refuse(first, survey.found + ", which is too small for one");
  if (survey.filesystem_size % 512 != 0 || survey.filesystem_size + new_data_offset > disk_size) {
    return refuse(first, survey.found +
                             ", and no 16 MiB behind it for the header: make the disk larger, or the file "
                             "system smaller (resize2fs), and measure it anew");
  }
  return FirstBootMode::encrypt;
}

// Tells how far it is, now and then.
Progress progress_of(const FirstBoot& first) {
  return [&first, last = first.patience.now()](std::string_view doing, std::uint64_t done, std::uint64_t all) mutable {
    const auto now = first.patience.now();
    if (now - last < tell_every) return;
    last = now;
    // Of at most 2^62 bytes.
    first.patience.tell("volume " + first.volume.name + ": " + std::to_string(done / (all / 100 + 1)) + " % " +
                        std::string(doing));
  };
}

class Work {
 public:
  Work(const FirstBoot& first, ReleaseRequest request, const Attester& attester, const Fetch& fetch)
      : first_(first), request_(std::move(request)), attester_(attester), fetch_(fetch) {}

  Result<void> run() {
    ATTESTD_TRY(Disk disk, Disk::open(first_.volume.device, Disk::Access::write));
    ATTESTD_TRY(const Survey survey, survey_of(disk));
    ATTESTD_TRY(const auto token, find_enrolment_token(first_.settings.enrolment_token, first_.tokens));
    ATTESTD_TRY(const FirstBootMode mode, plan_first_boot(first_, survey, disk.size(), token.has_value()));
    if (mode == FirstBootMode::none) return {};
    // Looked at more closely than the first bytes, which decide for all the rest.
    if (mode == FirstBootMode::format) {
      ATTESTD_TRY(const bool blank, looks_blank(disk));
      if (!blank) return refuse(first_, "something behind its start, and only a blank disk is formatted");
    }
    ATTESTD_CHECK(require_means_for(mode, disk));
    ATTESTD_TRY(const SecretBytes key, enrol(*token));
    return mode == FirstBootMode::format ? format(std::move(disk), key) : encrypt(disk, survey, key);
  }

 private:
  void tell(const std::string& sentence) const {
    first_.patience.tell("volume " + first_.volume.name + ": " + sentence);
  }

  // The token is for one key, and a key that nothing came of is in the way of the next: what is bound to fail does
  // so before.
  [[nodiscard]] Result<void> require_means_for(FirstBootMode mode, const Disk& disk) const {
    const NewHeaderRequest header = header_for(disk);
    if (auto scratch = Scratch::make(header.scratch, header.device_size); !scratch) {
      return std::unexpected(std::move(scratch).error());
    }
    return mode == FirstBootMode::format ? require_means(formatting_of(disk)) : Result<void>();
  }

  // The evidence names the volume, so that the key is this volume's, and a header of zeros: there is none yet.
  Result<SecretBytes> enrol(const std::string& token) const {
    const UnlockClaim::Volume claim{first_.volume.uuid, Bytes(digest_size), {}};
    ATTESTD_TRY(SecretBytes key, try_with_patience(first_.settings.budget, first_.patience, fetch_,
                                                   [&](const Fetch& in_time) -> Result<SecretBytes> {
                                                     RelyingParty party(request_.party, attester_, in_time);
                                                     ATTESTD_CHECK(party.attest(claim));
                                                     return party.enrol(request_.resource, token);
                                                   }));
    tell("its key was made at " + request_.party.url + " as " + request_.resource);
    return key;
  }

  [[nodiscard]] NewHeaderRequest header_for(const Disk& disk) const {
    return {.uuid = first_.volume.uuid,
            .resource = request_.resource,
            .device_size = disk.size(),
            .scratch = first_.scratch + "/" + first_.volume.uuid};
  }

  [[nodiscard]] Formatting formatting_of(const Disk& disk) const {
    return {.header = header_for(disk),
            .device = disk.path(),
            .name = first_.volume.name,
            .mkfs = first_.mkfs,
            .progress = progress_of(first_)};
  }

  Result<void> format(Disk disk, const SecretBytes& key) const {
    tell(std::to_string(disk.size()) + " bytes are being formatted");
    ATTESTD_CHECK(disk.write(0, interruption_marker(first_.volume.uuid)));
    ATTESTD_CHECK(disk.flush());
    const Formatting formatting = formatting_of(disk);
    // Device mapper takes it for itself meanwhile.
    {
      const Disk closed = std::move(disk);
    }
    ATTESTD_TRY(const luks::DeviceHeader made, format_volume(formatting, key));
    ATTESTD_CHECK(pin(made.header.canonical_digest, key));
    ATTESTD_TRY(Disk again, Disk::open(first_.volume.device, Disk::Access::write));
    ATTESTD_CHECK(write_header(again, made.metadata, new_data_offset));
    ATTESTD_CHECK(write_beginning(first_.places, first_.volume.uuid, {"formatted", {}}));
    tell("formatted, encrypted with integrity");
    return {};
  }

  Result<void> encrypt(Disk& disk, const Survey& survey, const SecretBytes& key) const {
    ATTESTD_TRY(const NewHeader made, make_header(header_for(disk), key));
    const Encryption encryption{.size = survey.filesystem_size,
                                .offset = new_data_offset,
                                .uuid = first_.volume.uuid,
                                .progress = progress_of(first_)};
    tell(survey.found + " is being encrypted; what interrupts it costs the disk's contents");
    ATTESTD_CHECK(encrypt_in_place(disk, made.volume_key, encryption));
    ATTESTD_TRY(const FixedBytes<32> image, digest_of_data(disk, made.volume_key, encryption));
    const auto& wanted = first_.settings.image.digest;
    if (wanted && *wanted != image) {
      return fail(Errc::refused, "the image on " + first_.volume.device + " has the digest " + to_hex(image) +
                                     ", and " + to_hex(*wanted) +
                                     " is measured: the disk was changed, and is left as noise");
    }
    ATTESTD_CHECK(pin(made.header.header.canonical_digest, key));
    ATTESTD_CHECK(write_header(disk, made.header.metadata, encryption.offset));
    ATTESTD_CHECK(write_beginning(first_.places, first_.volume.uuid, {"encrypted", image}));
    tell("encrypted; its image has the digest " + to_hex(image));
    return {};
  }

  // The first release is what the broker remembers the header by. The header is in memory still: were it on the disk,
  // a host could keep us from the broker, edit it, and have the next boot's evidence name its own.
  Result<void> pin(const FixedBytes<digest_size>& header, const SecretBytes& key) const {
    ReleaseRequest request = request_;
    request.volume = UnlockClaim::Volume{first_.volume.uuid, to_bytes(ByteView(header)), {}};
    ATTESTD_TRY(const SecretBytes released,
                fetch_with_patience(first_.settings, request, attester_, first_.patience, fetch_));
    if (!constant_time_equal(released.view(), key.view())) {
      return fail(Errc::mismatch, request.party.url + " releases another key than the one that it made");
    }
    tell("the broker knows its LUKS2 header, " + to_hex(header));
    return {};
  }

  const FirstBoot& first_;
  ReleaseRequest request_;
  const Attester& attester_;
  const Fetch& fetch_;
};

}  // namespace

Result<FirstBootMode> plan_first_boot(const FirstBoot& first, const Survey& survey, std::uint64_t disk_size,
                                      bool has_token) {
  if (first.settings.first_boot == FirstBootMode::none) return FirstBootMode::none;
  if (survey.kind == DiskKind::luks) {
    if (equal_in_either_case(survey.luks_uuid, first.volume.uuid)) return FirstBootMode::none;
    return refuse(first, "a LUKS header of volume " + luks::printable_ascii(survey.luks_uuid) + ", not of volume " +
                             first.volume.uuid);
  }
  if (survey.kind == DiskKind::interrupted) {
    return refuse(first, survey.found + ": put the image back, remove the key at the broker (attest-broker remove " +
                             resource_of(first.settings, first.volume.uuid) + "), and give another token");
  }
  if (!has_token) {
    return refuse(first, survey.found + " and no volume, and there is no enrolment token to make one with");
  }
  if (first.settings.first_boot == FirstBootMode::encrypt) return plan_encryption(first, survey, disk_size);
  if (survey.kind != DiskKind::blank) return refuse(first, survey.found + ", and only a blank disk is formatted");
  if (disk_size < least_formatted_disk) {
    return refuse(first, std::to_string(disk_size) + " bytes, and " + std::to_string(least_formatted_disk) +
                             " are the least that is formatted");
  }
  return FirstBootMode::format;
}

Result<bool> needs_first_boot(const FirstBoot& first) {
  const auto deadline = first.patience.now() + first.settings.budget;
  for (;;) {
    auto disk = Disk::open(first.volume.device, Disk::Access::read);
    if (disk) {
      ATTESTD_TRY(const Survey survey, survey_of(*disk));
      // A token is looked for where there is need of one.
      ATTESTD_TRY(const FirstBootMode mode, plan_first_boot(first, survey, disk->size(), true));
      return mode != FirstBootMode::none;
    }
    // It is a volume already, under another path than the one that is named.
    if (::access(("/dev/disk/by-uuid/" + first.volume.uuid).c_str(), F_OK) == 0) return false;
    if (disk.error().code != Errc::not_found || first.patience.now() >= deadline) {
      return std::unexpected(std::move(disk).error());
    }
    first.patience.sleep(look_again);
  }
}

Result<void> run_first_boot(const FirstBoot& first, ReleaseRequest request, const Attester& attester,
                            const Fetch& fetch) {
  return Work(first, std::move(request), attester, fetch).run();
}

}  // namespace attestd::unlock
