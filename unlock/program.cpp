#include <chrono>
#include <cstdio>
#include <thread>

#include "base/file.h"
#include "luks/token.h"
#include "net/https_url.h"
#include "unlock/program_internal.h"
#include "unlock/route.h"

namespace attestd::unlock {
namespace {

constexpr std::uint16_t default_broker_port = 28444;
constexpr std::size_t small_file = std::size_t{64} << 10U;  // bytes

}  // namespace

void tell(const std::string& sentence) {
  std::fputs(("attestd-unlock: " + luks::printable_ascii(sentence) + "\n").c_str(), stderr);
}

std::string text_of(const std::string& path) {
  const auto bytes = read_file(path, small_file);
  return bytes ? std::string(as_text(*bytes)) : std::string();
}

Result<std::string> uuid_of(const ProgramOptions& options, const std::string& name) {
  return volume_uuid(name, text_of(options.command_line), text_of(options.crypttab));
}

Result<ReleaseRequest> request_of(const Settings& settings, const std::string& uuid) {
  if (settings.url.empty()) {
    return fail(Errc::usage, "there is no relying party to ask: rd.attestd.url=https://HOST, or url in [unlock]");
  }
  if (settings.ca.empty()) {
    return fail(Errc::usage,
                "nothing says which certificate the relying party has: rd.attestd.ca=FILE, or ca in [unlock]");
  }
  ATTESTD_TRY(const HttpsServerName server, parse_https_url(settings.url, default_broker_port));
  const std::string resource = resource_of(settings, uuid);
  if (auto path = kbs::parse_resource_path("/kbs/v0/resource/" + resource); !path) {
    return std::unexpected(std::move(path).error().in("rd.attestd.resource"));
  }
  return ReleaseRequest{.url = https_url(server),
                        .ca_file = settings.ca,
                        .resource = resource,
                        .policy = settings.policy,
                        .trustee = settings.evidence == EvidenceForm::trustee};
}

Patience patience(const std::string& url) {
  const bool names = !is_address(parse_https_url(url, default_broker_port).value_or(HttpsServerName{}).host);
  return {.tell = tell,
          .sleep =
              [names](std::chrono::milliseconds wait) {
                sleep_or_network(
                    wait, [names] { return network_is_there(names); },
                    [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); });
              },
          .now = [] { return std::chrono::steady_clock::now(); }};
}

}  // namespace attestd::unlock
