#include <chrono>
#include <cstdio>
#include <thread>

#include "luks/token.h"
#include "net/https_url.h"
#include "unlock/program_internal.h"
#include "unlock/route.h"

namespace attestd::unlock {
void tell(const std::string& sentence) {
  std::fputs(("attestd-unlock: " + luks::printable_ascii(sentence) + "\n").c_str(), stderr);
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
  ATTESTD_TRY(const HttpsServerName server, parse_https_url(settings.url, default_party_port));
  const std::string resource = resource_of(settings, uuid);
  if (auto path = kbs::parse_resource_path("/kbs/v0/resource/" + resource); !path) {
    return std::unexpected(std::move(path).error().in("rd.attestd.resource"));
  }
  return ReleaseRequest{.party = {.url = https_url(server),
                                  .ca_file = settings.ca,
                                  .policy = settings.policy,
                                  .trustee = settings.evidence == EvidenceForm::trustee},
                        .resource = resource,
                        .volume = {}};
}

Patience patience(const std::string& url) {
  const bool names = !is_address(parse_https_url(url, default_party_port).value_or(HttpsServerName{}).host);
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
