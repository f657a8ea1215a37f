#include "unlock/first_boot.h"

#include <fcntl.h>

#include "base/encoding.h"
#include "evidence/digest.h"
#include "tests/temporary_folder.h"
#include "tests/unlock/party.h"
#include "unlock/encrypt_in_place.h"
#include "unlock/new_header.h"

namespace attestd::unlock {
namespace {

using attestd::test::TemporaryFolder;

constexpr const char* uuid = "6a1e2d3c-0000-4000-8000-00000000000a";
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
const std::string token(64, 'a');

// A superblock is all that makes a file system here; the rest counts up.
Bytes image(std::uint64_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>((i / 509) ^ i);
  Writer super;
  super.zeros(4).le32(static_cast<std::uint32_t>(size / 4096)).zeros(16).le32(2).zeros(28).le16(0xef53).zeros(38);
  super.le32(0x40).zeros(1024 - 0x64);
  std::ranges::copy(super.bytes(), out.begin() + 1024);
  return out;
}

std::string file_of(const TemporaryFolder& folder, ByteView contents, std::uint64_t size) {
  const std::string path = folder.path() + "/disk";
  REQUIRE(replace_file(path, contents, 0600));
  std::filesystem::resize_file(path, size);
  return path;
}

std::string image_digest(ByteView contents) { return to_hex(digest(HashAlgorithm::sha256, {contents})); }

FirstBoot first_of(const TemporaryFolder& folder, const std::string& words) {
  auto settings = parse_settings("", "x", words);
  REQUIRE(settings);
  FirstBoot out{.volume = {"root", folder.path() + "/disk", uuid},
                .settings = *settings,
                .tokens = {folder.path() + "/none", folder.path() + "/none"},
                .places = {},
                .scratch = folder.path(),
                .patience = {.tell = [](const std::string&) {},
                             .sleep = [](std::chrono::milliseconds) {},
                             .now = [] { return std::chrono::steady_clock::now(); }}};
  out.places.origins = folder.path() + "/origins";
  return out;
}

// Enrols with one key, and releases that or another.
struct Broker : Party {
  Bytes made = Bytes(32, std::byte{7});
  Bytes kept = made;
  Fetch fetch() {
    return [this](const FetchRequest& request) -> Result<FetchResponse> {
      ATTESTD_TRY(FetchResponse out, answer(request));
      const bool enrols = request.url.ends_with("/v1/enrolment");
      if (out.status == 200 && (enrols || request.url.find("/resource/") != std::string::npos)) {
        out.body = encrypt_jwe(enrols ? made : kept, parse_jwk(key).value()).value();
      }
      return out;
    };
  }
};

Result<void> run(const FirstBoot& first, Broker& broker) {
  Guest guest;
  const ReleaseRequest request{.party = {.url = "https://broker", .ca_file = "/ca.pem", .policy = {}},
                               .resource = "default/luks/root",
                               .volume = {}};
  return run_first_boot(first, request, guest.attester(), broker.fetch());
}

Bytes contents(const std::string& path) { return read_file(path, 64 * mebibyte).value(); }

}  // namespace

TEST_CASE("a first boot is planned by settings, disk and token, and refused where they do not fit") {
  const TemporaryFolder folder;
  const std::uint64_t disk = 64 * mebibyte;
  const Survey ext{.kind = DiskKind::ext, .luks_uuid = {}, .filesystem_size = 32 * mebibyte, .found = "x"};
  const Survey full{.kind = DiskKind::ext, .luks_uuid = {}, .filesystem_size = 49 * mebibyte, .found = "x"};
  const Survey blank{.kind = DiskKind::blank, .luks_uuid = {}, .found = "x"};
  const Survey other{.kind = DiskKind::other, .luks_uuid = {}, .found = "x"};
  const Survey cut{.kind = DiskKind::interrupted, .luks_uuid = {}, .found = "x"};
  const Survey ours{.kind = DiskKind::luks, .luks_uuid = uuid, .found = "x"};
  const Survey theirs{.kind = DiskKind::luks, .luks_uuid = "6a1e2d3c-0000-4000-8000-00000000000b", .found = "x"};
  const std::string encrypt = "rd.attestd.first-boot=encrypt rd.attestd.image=any";
  const std::string format = "rd.attestd.first-boot=format";
  struct {
    std::string words;
    const Survey& survey;
    bool has_token;
    std::optional<FirstBootMode> mode;  // none: an error
    Errc code;
  } const cases[] = {
      {encrypt, ext, true, FirstBootMode::encrypt, {}}, {encrypt, ours, false, FirstBootMode::none, {}},
      {format, blank, true, FirstBootMode::format, {}}, {format, ours, true, FirstBootMode::none, {}},
      {"", ext, true, FirstBootMode::none, {}},         {encrypt, ext, false, {}, Errc::refused},
      {encrypt, full, true, {}, Errc::refused},         {encrypt, blank, true, {}, Errc::refused},
      {encrypt, other, true, {}, Errc::refused},        {encrypt, cut, true, {}, Errc::refused},
      {encrypt, theirs, true, {}, Errc::refused},       {"rd.attestd.first-boot=encrypt", ext, true, {}, Errc::usage},
      {format, ext, true, {}, Errc::refused},           {format, blank, false, {}, Errc::refused},
      {format, cut, true, {}, Errc::refused},           {format, other, true, {}, Errc::refused},
  };
  for (std::size_t i = 0; i < std::size(cases); ++i) {
    INFO(i);
    const auto& one = cases[i];
    const auto plan = plan_first_boot(first_of(folder, one.words), one.survey, disk, one.has_token);
    REQUIRE(plan.has_value() == one.mode.has_value());
    if (plan) {
      CHECK(*plan == *one.mode);
    } else {
      CHECK(plan.error().code == one.code);
    }
  }
}

TEST_CASE("what is too small for a volume is refused before its key is made") {
  const TemporaryFolder folder;
  const std::string with_token = " rd.attestd.enrolment-token=" + token;
  struct {
    std::string words;
    Bytes contents;
    std::uint64_t size;
    std::string_view reason;
  } const cases[] = {
      {"rd.attestd.first-boot=format", {}, 0, "0 bytes, and"},
      {"rd.attestd.first-boot=format", {}, least_formatted_disk - 1, "the least that is formatted"},
      {"rd.attestd.first-boot=encrypt rd.attestd.image=any", image(4096), 24 * mebibyte, "too small"},
      {"rd.attestd.first-boot=encrypt rd.attestd.image=any", image(least_filesystem - 4096), 24 * mebibyte,
       "too small"},
      {"rd.attestd.first-boot=encrypt rd.attestd.image=any", image(6 * mebibyte), 22 * mebibyte - 1, "no 16 MiB"},
  };
  for (const auto& one : cases) {
    INFO(one.size << " " << one.reason);
    file_of(folder, one.contents, one.size);
    Broker broker;
    const auto done = run(first_of(folder, one.words + with_token), broker);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::refused);
    CHECK(done.error().text().find(one.reason) != std::string::npos);
    CHECK(broker.asked.empty());
  }
}

TEST_CASE("a disk is told by its first bytes") {
  const Bytes plain = image(8 * mebibyte);
  CHECK(survey_disk(plain, plain.size()).kind == DiskKind::ext);
  CHECK(survey_disk(plain, plain.size()).filesystem_size == plain.size());
  CHECK(survey_disk(plain, plain.size() - 1).kind == DiskKind::other);
  CHECK(survey_disk(Bytes(mebibyte), mebibyte).kind == DiskKind::blank);
  CHECK(survey_disk({}, 0).kind == DiskKind::blank);
  CHECK(survey_disk(interruption_marker(uuid), mebibyte).kind == DiskKind::interrupted);
  Bytes luks(mebibyte);
  std::ranges::copy(as_bytes(std::string_view("LUKS\xba\xbe")), luks.begin());
  std::ranges::copy(as_bytes(uuid), luks.begin() + 168);
  CHECK(survey_disk(luks, luks.size()).kind == DiskKind::luks);
  CHECK(survey_disk(luks, luks.size()).luks_uuid == uuid);
  Bytes damaged(mebibyte);
  std::ranges::copy(as_bytes(std::string_view("SKUL\xba\xbe")), damaged.begin() + 0x4000);
  CHECK(survey_disk(damaged, damaged.size()).kind == DiskKind::other);
  for (const std::size_t at : {0x38U, 0x18U, 0x60U}) {
    Bytes broken = plain;
    broken[1024 + at] = std::byte{0x0f};
    INFO(at);
    CHECK(survey_disk(broken, broken.size()).kind == DiskKind::other);
  }
}

TEST_CASE("what is encrypted in place comes out again, and its digest tells a sector that was changed") {
  const TemporaryFolder folder;
  const SecretBytes key = SecretBytes::random(64).value();
  for (const std::uint64_t size : {std::uint64_t{4096}, 4 * mebibyte, 9 * mebibyte + 512}) {
    INFO(size);
    const Bytes plain = image(size);
    Disk disk = Disk::open(file_of(folder, plain, size + new_data_offset + 1000), Disk::Access::write).value();
    std::uint64_t last = 0;
    const Encryption encryption{.size = size,
                                .offset = new_data_offset,
                                .uuid = uuid,
                                .progress = [&](std::string_view, std::uint64_t done, std::uint64_t) { last = done; }};
    REQUIRE(encrypt_in_place(disk, key, encryption));
    CHECK(last == size);
    CHECK(survey_disk(contents(disk.path()), disk.size()).kind == DiskKind::interrupted);
    CHECK(to_hex(digest_of_data(disk, key, encryption).value()) == image_digest(plain));
    REQUIRE(disk.write(new_data_offset + size / 2, as_bytes("x")));
    CHECK(to_hex(digest_of_data(disk, key, encryption).value()) != image_digest(plain));
    CHECK(to_hex(digest_of_data(disk, SecretBytes::random(64).value(), encryption).value()) != image_digest(plain));
  }
}

TEST_CASE("nothing is encrypted where there is no room for it") {
  const TemporaryFolder folder;
  const SecretBytes key = SecretBytes::random(64).value();
  const Bytes plain = image(4 * mebibyte);
  const std::string path = file_of(folder, plain, 20 * mebibyte - 1);
  Disk disk = Disk::open(path, Disk::Access::write).value();
  const Encryption encryption{.size = plain.size(),
                              .offset = new_data_offset,
                              .uuid = uuid,
                              .progress = [](std::string_view, std::uint64_t, std::uint64_t) {}};
  CHECK(encrypt_in_place(disk, key, encryption).error().code == Errc::usage);
  const Bytes after = contents(path);
  CHECK(std::ranges::equal(std::span(after).first(plain.size()), plain));
}

TEST_CASE("the image that is measured is encrypted, and its header told to the broker") {
  const TemporaryFolder folder;
  const Bytes plain = image(6 * mebibyte);
  const std::string path = file_of(folder, plain, 24 * mebibyte);
  Broker broker;
  FirstBoot first = first_of(folder, "rd.attestd.first-boot=encrypt rd.attestd.image=sha256:" + image_digest(plain) +
                                         " rd.attestd.enrolment-token=" + token);
  CHECK(needs_first_boot(first).value());
  const auto done = run(first, broker);
  INFO((done ? "" : done.error().text()));
  REQUIRE(done);
  CHECK_FALSE(needs_first_boot(first).value());
  const auto header = judge_header(first.volume, {});
  REQUIRE(header);
  CHECK(header->header.tokens.size() == 1);
  const Bytes note = read_file(folder.path() + "/origins/" + uuid + ".json", 4096).value();
  CHECK(as_text(note).find(R"("image_sha256":")" + image_digest(plain)) != std::string_view::npos);
  // Challenge, evidence, enrolment; and once more with the header, and the release.
  REQUIRE(broker.asked.size() == 6);
  CHECK(broker.asked[2].body.find(token) != std::string::npos);
  // Nothing of the plain image is left below the data.
  const Bytes all = contents(path);
  CHECK(std::ranges::search(std::span(all), std::span(plain).subspan(1024, 64)).empty());
}

TEST_CASE("a first boot that fails leaves no volume, and before the broker was asked an untouched disk") {
  const TemporaryFolder folder;
  const Bytes plain = image(6 * mebibyte);
  const std::string path = file_of(folder, plain, 24 * mebibyte);
  const Bytes before = contents(path);
  const std::string words = "rd.attestd.first-boot=encrypt rd.attestd.budget=1 rd.attestd.enrolment-token=" + token;
  Broker denied;
  denied.instead["/kbs/v0/attest"] = problem(401, kbs::ErrorKind::policy_deny);
  CHECK(run(first_of(folder, words + " rd.attestd.image=any"), denied).error().code == Errc::refused);
  Broker away;
  away.instead["/v1/enrolment"] = {.status = 503};
  CHECK_FALSE(run(first_of(folder, words + " rd.attestd.image=any"), away));
  CHECK(contents(path) == before);

  Broker broker;
  const std::string other = " rd.attestd.image=sha256:" + std::string(64, '0');
  const auto altered = run(first_of(folder, words + other), broker);
  CHECK(altered.error().code == Errc::refused);
  CHECK(broker.asked.size() == 3);
  CHECK(survey_disk(contents(path), before.size()).kind == DiskKind::interrupted);
  CHECK(run(first_of(folder, words + other), broker).error().code == Errc::refused);
  CHECK(broker.asked.size() == 3);
}

TEST_CASE("what is bound to fail does so before the token is spent") {
  const TemporaryFolder folder;
  const std::string path = file_of(folder, image(6 * mebibyte), 24 * mebibyte);
  const std::string with_token = " rd.attestd.enrolment-token=" + token;
  Broker broker;
  FirstBoot encrypts = first_of(folder, "rd.attestd.first-boot=encrypt rd.attestd.image=any" + with_token);
  encrypts.scratch = folder.path() + "/absent";
  CHECK(run(encrypts, broker).error().code == Errc::not_found);
  encrypts.scratch = folder.path();
  // Of a run that was killed.
  REQUIRE(replace_file(folder.file(uuid), as_bytes("x"), 0600));
  CHECK_FALSE(run(encrypts, broker));
  std::filesystem::remove(folder.file(uuid));

  file_of(folder, {}, 64 * mebibyte);
  FirstBoot formats = first_of(folder, "rd.attestd.first-boot=format" + with_token);
  formats.mkfs = folder.path() + "/no-mke2fs";
  CHECK(run(formats, broker).error().code == Errc::not_found);
  formats.mkfs = path;
  CHECK(run(formats, broker).error().code == Errc::permission);
  if (!UniqueFd(::open("/dev/mapper/control", O_RDWR | O_CLOEXEC))) {
    formats.mkfs = "/bin/true";
    CHECK(run(formats, broker).error().code == Errc::unavailable);
  }
  CHECK(broker.asked.empty());
  CHECK_FALSE(std::filesystem::exists(folder.file(uuid)));
}

TEST_CASE("no header is on the disk that the broker does not know") {
  const TemporaryFolder folder;
  const Bytes plain = image(6 * mebibyte);
  const std::string path = file_of(folder, plain, 24 * mebibyte);
  Broker away;
  away.instead["/kbs/v0/resource/default/luks/root"] = {.status = 503};
  const FirstBoot first = first_of(folder,
                                   "rd.attestd.first-boot=encrypt rd.attestd.image=any rd.attestd.budget=1 "
                                   "rd.attestd.enrolment-token=" +
                                       token);
  const auto done = run(first, away);
  REQUIRE_FALSE(done);
  CHECK(away.asked.back().url.ends_with("/kbs/v0/resource/default/luks/root"));
  CHECK(survey_disk(contents(path), 24 * mebibyte).kind == DiskKind::interrupted);
  CHECK_FALSE(std::filesystem::exists(folder.path() + "/origins"));
}

TEST_CASE("a broker that releases another key than it made is not believed") {
  const TemporaryFolder folder;
  const std::string path = file_of(folder, image(6 * mebibyte), 24 * mebibyte);
  Broker broker;
  broker.kept = Bytes(32, std::byte{8});
  CHECK(run(first_of(folder, "rd.attestd.first-boot=encrypt rd.attestd.image=any rd.attestd.enrolment-token=" + token),
            broker)
            .error()
            .code == Errc::mismatch);
  CHECK(survey_disk(contents(path), 24 * mebibyte).kind == DiskKind::interrupted);
}

TEST_CASE("a new header is one that attestd-unlock opens, with a key of its own each time") {
  const TemporaryFolder folder;
  const SecretBytes passphrase = SecretBytes::random(32).value();
  const NewHeaderRequest request{
      .uuid = uuid, .resource = "default/luks/root", .device_size = 1 << 30, .scratch = folder.path() + "/header"};
  const auto first = make_header(request, passphrase);
  const auto second = make_header(request, passphrase);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->header.header.primary.uuid == uuid);
  CHECK(first->header.header.metadata_size() == new_data_offset);
  CHECK_FALSE(constant_time_equal(first->volume_key.view(), second->volume_key.view()));
  CHECK_FALSE(std::filesystem::exists(request.scratch));
}

TEST_CASE("a disk is blank when it is so at both ends and between") {
  const TemporaryFolder folder;
  const std::uint64_t size = 128 * mebibyte;
  const std::string path = file_of(folder, {}, size);
  Disk disk = Disk::open(path, Disk::Access::write).value();
  CHECK(looks_blank(disk).value());
  for (const std::uint64_t at : {std::uint64_t{0}, 15 * mebibyte, size / 2, size - 1}) {
    INFO(at);
    REQUIRE(disk.write(at, as_bytes("x")));
    CHECK_FALSE(looks_blank(disk).value());
    REQUIRE(disk.write(at, Bytes(1)));
  }
  CHECK(disk.write(size, as_bytes("x")).error().code == Errc::internal);
}

}  // namespace attestd::unlock
