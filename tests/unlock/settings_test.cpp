#include "unlock/settings.h"

#include "tests/catch.h"

namespace attestd::unlock {
namespace {

using Words = std::vector<std::string>;
constexpr const char* uuid = "6a1e2d3c-0000-4000-8000-00000000000a";

}  // namespace

TEST_CASE("a command line is split as the kernel splits it") {
  CHECK(split_command_line("a b=c  d=\"e f\" \"g h\"=i\n") == Words{"a", "b=c", "d=e f", "g h=i"});
  CHECK(split_command_line("").empty());
  CHECK(split_command_line("a=\"") == Words{"a="});
}

TEST_CASE("the command line wins over the image's file") {
  const auto both = parse_settings("[unlock]\nurl = \"https://a\"\nca = \"/a.pem\"\nbudget = \"1m\"\n", "unlock.toml",
                                   "root=/dev/sda rd.attestd.url=https://b rd.attestd.budget=7");
  REQUIRE(both);
  CHECK(both->url == "https://b");
  CHECK(both->ca == "/a.pem");
  CHECK(both->budget == std::chrono::seconds(7));
  CHECK(both->evidence == EvidenceForm::bundle);
  CHECK(both->end == "poweroff");
  CHECK(parse_settings("", "x", "rd.attestd.evidence=trustee rd.attestd.end=reboot")->evidence ==
        EvidenceForm::trustee);
}

TEST_CASE("a setting that is not known, or has a value that it cannot have, is an error") {
  for (const char* line : {"rd.attestd.urls=https://a", "rd.attestd.url", "rd.attestd.budget=0", "rd.attestd.budget=7s",
                           "rd.attestd.budget=86401", "rd.attestd.evidence=any", "rd.attestd.end=shell",
                           "rd.attestd.ca=relative.pem", "rd.attestd.=x"}) {
    INFO(line);
    const auto settings = parse_settings("", "x", line);
    REQUIRE_FALSE(settings);
    CHECK(settings.error().message.find("rd.attestd.") != std::string::npos);
  }
  CHECK_FALSE(parse_settings("[unlock]\nkey = \"x\"\n", "x", ""));
  CHECK(parse_settings("", "x", "rd.attestdx=1 attestd.url=x"));
}

TEST_CASE("a volume is where the command line says, else the image's crypttab, and nowhere else") {
  const std::string line = std::string("quiet rd.luks.name=") + uuid + "=root";
  CHECK(volume_uuid("root", line, "") == uuid);
  CHECK(volume_uuid("root", "rd.luks.name=luks-" + std::string(uuid) + "=root", "") == uuid);
  CHECK(volume_uuid("luks-" + std::string(uuid), std::string("rd.luks.uuid=") + uuid, "") == uuid);
  const std::string table = std::string("# root UUID=x none\ndata  UUID=") + uuid + " none luks\nswap /dev/sda2 none\n";
  CHECK(volume_uuid("data", "", table) == uuid);
  CHECK(volume_uuid("root", "", table).error().code == Errc::not_found);
  CHECK(volume_uuid("swap", "", table).error().code == Errc::malformed);
  CHECK(volume_uuid("other", line, table).error().code == Errc::not_found);
  CHECK(volume_uuid("root", "rd.luks.name=../../etc=root", "").error().code == Errc::malformed);
}

TEST_CASE("cryptsetup must be told to use the header that is judged") {
  const std::string copy = "/run/attestd/headers/root";
  const auto told = [&](const std::string& line, const std::string& table = {}) {
    return opens_with_header("root", uuid, copy, line, table);
  };
  CHECK(told("rd.luks.options=" + std::string(uuid) + "=discard,header=" + copy));
  CHECK(told("rd.luks.options=header=" + copy + ",headless=1"));
  CHECK(told("", "root UUID=" + std::string(uuid) + " none header=" + copy));
  CHECK_FALSE(told(""));
  CHECK_FALSE(told("rd.luks.options=header=/dev/sdb"));
  const std::string own = "rd.luks.options=" + std::string(uuid);
  const std::string table = "root UUID=" + std::string(uuid) + " none ";
  CHECK_FALSE(told(own + "=discard rd.luks.options=header=" + copy));
  CHECK_FALSE(told(own + "=discard", table + "header=" + copy));
  CHECK_FALSE(told("rd.luks.options=header=" + copy, table + "discard"));
  CHECK_FALSE(told("rd.luks.options=header=" + copy + " luks.options=discard"));
  CHECK(told(own + "=header=" + copy, table + "discard"));
  CHECK_FALSE(told("rd.luks.options=6a1e2d3c-0000-4000-8000-00000000000b=header=" + copy));
  CHECK_FALSE(told("", "data UUID=" + std::string(uuid) + " none header=" + copy));
}

TEST_CASE("a first boot's settings have the values that they can have, and a token is on the command line alone") {
  const auto settings = parse_settings("[unlock]\ndevice = \"/dev/vda\"\nfirst-boot = \"format\"\n", "x",
                                       "rd.attestd.first-boot=encrypt rd.attestd.image=sha256:" + std::string(64, '5') +
                                           " rd.attestd.first-boot-volume=root rd.attestd.enrolment-token=aa");
  REQUIRE(settings);
  CHECK(settings->first_boot == FirstBootMode::encrypt);
  CHECK(settings->device == "/dev/vda");
  CHECK(settings->image.digest->front() == std::byte{0x55});
  CHECK_FALSE(settings->image.any);
  CHECK(settings->first_boot_volume == "root");
  CHECK(settings->enrolment_token == "aa");
  CHECK(parse_settings("", "x", "rd.attestd.image=any")->image.any);
  CHECK_FALSE(
      parse_settings("", "x", "rd.attestd.image=any rd.attestd.image=sha256:" + std::string(64, '5'))->image.any);
  CHECK(parse_settings("", "x", "")->first_boot == FirstBootMode::none);
  for (const std::string line :
       {"image=sha256:5", "image=sha256:55", "image=md5:55", "image=", "first-boot=yes", "device=vda"}) {
    INFO(line);
    CHECK_FALSE(parse_settings("", "x", "rd.attestd." + line));
  }
  CHECK_FALSE(parse_settings("[unlock]\nenrolment-token = \"aa\"\n", "x", ""));
  CHECK(volume_names("rd.luks.name=a=root x rd.luks.name=b=data rd.luks.name=a=root") == Words{"root", "data"});
}

TEST_CASE("a pinned header is 64 hex digits") {
  CHECK(parse_settings("", "x", "rd.attestd.header=" + std::string(64, 'a'))->header == std::string(64, 'a'));
  CHECK_FALSE(parse_settings("", "x", "rd.attestd.header=abc"));
  CHECK_FALSE(parse_settings("", "x", "rd.attestd.header=" + std::string(64, 'x')));
}

}  // namespace attestd::unlock
