#include "unlock/vtpm_method.h"

#include <algorithm>
#include <charconv>

#include "agent/platform.h"
#include "base/file.h"
#include "hwio/configfs_tsm.h"
#include "unlock/latching.h"
#include "unlock/signature_file.h"
#include "unlock/token_store.h"
#include "vtpm/isolation.h"
#include "vtpm/sealed.h"
#include "vtpm/systemd_token.h"

namespace attestd::unlock {
namespace {

constexpr std::size_t passphrase_limit = 8192;  // bytes
constexpr std::size_t key_limit = 8192;

Result<std::string> tcti_of(const agent::Config& machine) {
  agent::TpmPlace place = agent::find_tpm(machine.tpm);
  if (place.tcti.empty()) return fail(Errc::unavailable, "there is no TPM to unseal with: " + place.absent);
  return std::move(place.tcti);
}

// The SVSM's report on its vTPM, where the kernel shows an SVSM.
vtpm::AskSvsm svsm_of(const std::string& configfs) {
  const auto files = hwio::open_tsm_directory(configfs);
  if (!hwio::has_svsm_services(*files).value_or(false)) return {};
  return [configfs](const FixedBytes<64>& nonce) -> Result<vtpm::SvsmAttestation> {
    hwio::ConfigfsTsmOptions options;
    options.svsm_service = std::string(hwio::svsm_vtpm_service);
    const auto device = hwio::make_configfs_tsm(hwio::open_tsm_directory(configfs), options);
    ATTESTD_TRY(hwio::HardwareReport report, device->report(nonce));
    return vtpm::SvsmAttestation{std::move(report.report), std::move(report.manifest)};
  };
}

Result<void> judge_isolation(const Settings& settings, const agent::Config& machine, const std::string& tcti,
                             ByteView srk_name, const Tell& tell) {
  // Where anything goes, nothing is asked that may fail.
  if (settings.vtpm == vtpm::Require::any) {
    tell("who isolates the TPM is not asked: rd.attestd.vtpm=any");
    return {};
  }
  vtpm::IsolationRequest request{tcti, machine.platform.name, to_bytes(srk_name), svsm_of(machine.snp.configfs)};
  ATTESTD_TRY(const vtpm::Isolation isolation, vtpm::find_isolation(request));
  ATTESTD_CHECK(vtpm::require_isolation(isolation, settings.vtpm));
  tell("the TPM is isolated by " + std::string(to_string(isolation.by)) + ": " + isolation.reason);
  return {};
}

Result<std::string> file_of(const std::string& path, std::size_t limit) {
  ATTESTD_TRY(const Bytes bytes, read_file(path, limit));
  return std::string(as_text(bytes));
}

Result<void> latch(const Settings& settings, const agent::Config& machine, const Volume& volume, ByteView srk_name) {
  if (!wants_latch(settings, volume)) return {};
  const auto rtmrs = rtmrs_of(machine);
  return close_latch(settings, machine, volume, srk_name, rtmrs.get());
}

Result<void> may_ask(const Settings& settings) {
  if (settings.pin_on_console) return {};
  return fail(Errc::permission,
              "the volume wants a PIN, and the measured configuration lets nobody be asked for one "
              "(rd.attestd.pin=console)");
}

Result<Unsealed> by_our_token(const Settings& settings, const agent::Config& machine, const Volume& volume, unsigned id,
                              const luks::UnlockToken& token, const AskPin& ask, const Tell& tell) {
  if (token.vtpm->counter && !settings.header.empty()) {
    return fail(Errc::usage,
                "rd.attestd.header= pins the volume's header, and its TPM counter changes it with each unlock");
  }
  ATTESTD_TRY(const std::string tcti, tcti_of(machine));
  ATTESTD_CHECK(judge_isolation(settings, machine, tcti, token.vtpm->srk_name, tell));
  vtpm::VtpmRequest request;
  request.tcti = tcti;
  request.binding = *token.vtpm;
  ATTESTD_TRY(request.policy_key, file_of(settings.policy_key, key_limit));
  ATTESTD_TRY(request.signatures, read_signatures(settings.signatures));
  if (token.vtpm->pin) {
    ATTESTD_CHECK(may_ask(settings));
    ATTESTD_CHECK(vtpm::require_openable(request));
  }
  const auto attempt = [&](SecretBytes pin) {
    request.pin = std::move(pin);
    return vtpm::unseal(request);
  };
  ATTESTD_TRY(SecretBytes secret, token.vtpm->pin ? with_pin(ask, attempt, tell) : attempt({}));
  ATTESTD_CHECK(vtpm::advance_counter(request, secret, [&](const luks::VtpmBinding& binding) -> Result<void> {
    ATTESTD_TRY(TokenStore store, TokenStore::open(volume.device));
    luks::UnlockToken next = token;
    next.vtpm = binding;
    return store.replace(id, next);
  }));
  ATTESTD_CHECK(latch(settings, machine, volume, token.vtpm->srk_name));
  return Unsealed{std::move(secret), token.vtpm->counter.has_value()};
}

Result<Unsealed> by_systemd_token(const Settings& settings, const agent::Config& machine, const Volume& volume,
                                  vtpm::SystemdToken token, const AskPin& ask, const Tell& tell) {
  // Nothing in it names the TPM, so nothing can be proven of that TPM.
  if (settings.vtpm != vtpm::Require::any) {
    return fail(Errc::refused,
                "the volume's token is systemd-cryptenroll's, which does not say which TPM it is sealed in "
                "(rd.attestd.vtpm=any allows it)");
  }
  tell("who isolates the TPM is not asked: rd.attestd.vtpm=any");
  vtpm::SystemdRequest request;
  ATTESTD_TRY(request.tcti, tcti_of(machine));
  request.token = std::move(token);
  if (!request.token.policy_key.empty()) {
    ATTESTD_TRY(request.signatures, read_signatures(settings.signatures));
  }
  if (request.token.pin) ATTESTD_CHECK(may_ask(settings));
  const auto attempt = [&](SecretBytes pin) {
    request.pin = std::move(pin);
    return vtpm::unseal_systemd(request);
  };
  ATTESTD_TRY(SecretBytes secret, request.token.pin ? with_pin(ask, attempt, tell) : attempt({}));
  ATTESTD_CHECK(latch(settings, machine, volume, {}));
  return Unsealed{std::move(secret), false};
}

}  // namespace

Result<Unsealed> unseal_volume(const Settings& settings, const agent::Config& machine, const Volume& volume,
                               const luks::Header& header, const AskPin& ask, const Tell& tell) {
  for (const luks::Token& token : header.tokens) {
    if (token.type != luks::unlock_token_type) continue;
    ATTESTD_TRY(const luks::UnlockToken ours, luks::parse_unlock_token(token.json));
    if (ours.method == luks::UnlockMethod::vtpm) {
      return by_our_token(settings, machine, volume, token.id, ours, ask, tell);
    }
  }
  const auto systemd = std::ranges::find(header.tokens, "systemd-tpm2", &luks::Token::type);
  if (systemd == header.tokens.end()) {
    return fail(Errc::not_found, "no token of " + volume.device + " says how a TPM unlocks it");
  }
  ATTESTD_TRY(vtpm::SystemdToken token, vtpm::parse_systemd_token(systemd->json));
  return by_systemd_token(settings, machine, volume, std::move(token), ask, tell);
}

Result<void> enrol_volume(const Settings& settings, const agent::Config& machine, const VtpmEnrolment& enrolment,
                          const Tell& tell) {
  vtpm::EnrolRequest request;
  ATTESTD_TRY(request.tcti, tcti_of(machine));
  ATTESTD_TRY(request.policy_key, file_of(settings.policy_key, key_limit));
  if (!enrolment.pcrs.empty()) request.pcrs = enrolment.pcrs;
  if (!enrolment.counter.empty()) {
    const std::string_view digits =
        std::string_view(enrolment.counter).substr(enrolment.counter.starts_with("0x") ? 2 : 0);
    std::uint32_t index = 0;
    const auto [end, wrong] = std::from_chars(digits.data(), digits.data() + digits.size(), index, 16);
    if (wrong != std::errc() || end != digits.data() + digits.size()) {
      return fail(Errc::usage, "the counter " + enrolment.counter + " is not an NV index in hexadecimal");
    }
    request.counter = index;
    ATTESTD_TRY(request.signatures, read_signatures(settings.signatures));
  }
  if (!enrolment.pin_file.empty()) {
    ATTESTD_TRY(request.pin, pin_of_file(enrolment.pin_file));
  }
  ATTESTD_TRY(const SecretBytes passphrase, SecretBytes::read(enrolment.key_file, passphrase_limit));
  ATTESTD_TRY(TokenStore store, TokenStore::open(enrolment.device));
  ATTESTD_TRY(const vtpm::Enrolled enrolled, vtpm::enrol(request));
  // After sealing, which costs nothing: a storage root key has to be there to be asked about.
  ATTESTD_CHECK(judge_isolation(settings, machine, request.tcti, enrolled.binding.srk_name, tell));
  luks::UnlockToken token;
  token.method = luks::UnlockMethod::vtpm;
  token.vtpm = enrolled.binding;
  ATTESTD_CHECK(store.add(passphrase, enrolled.secret, std::move(token)));
  tell("volume " + enrolment.device + " opens by its TPM now");
  return {};
}

}  // namespace attestd::unlock
