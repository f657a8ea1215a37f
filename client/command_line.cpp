#include "client/command_line.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <map>

#include "base/text.h"
#include "client/commands.h"
#include "client/disk_command_line.h"
#include "client/evidence_type.h"
#include "client/number_option.h"
#include "config.h"
#include "net/amd_kds.h"
#include "net/intel_pcs.h"

namespace attestd {
namespace {

constexpr int cannot_tell = 2;

// Everything that options are written to.
struct Options {
  CommonOptions common;
  std::string colour = "auto";
  double timeout_s = 15;
  double connect_timeout_s = 5;
  StatusOptions status;
  EvidenceOptions evidence;
  InspectOptions inspect;
  VerifyOptions verify;
  VerifySnpOptions verify_snp;
  VerifyTdxOptions verify_tdx;
  VerifyTpmOptions verify_tpm;
  VerifyAzureOptions verify_azure;
  VerifyNitrotpmOptions verify_nitrotpm;
  HostProofOptions host_proof;
  HostCertOptions host_cert;
  KeysFetchOptions keys_fetch{.amd_url = std::string(amd_kds_url),
                              .intel_url = std::string(intel_pcs_url),
                              .intel_crl_url = std::string(intel_root_crl_url)};
  double patience_s = 60;
  ExporterOptions exporter;
  WatchOptions watch;
  PcrPolicySignOptions pcr_policy_sign{.pcrs = {4, 7, 11, 12}};
  PcrPolicyShowOptions pcr_policy_show;
  PolicyInitOptions policy_init;
  PolicyFileOptions policy_check, policy_explain;
  DiskCommands disk;
  std::function<Result<int>()> action;
};

class CommandLine {
 public:
  CommandLine() : app_("Asks a confidential VM for evidence and verifies it", "attestctl") {
    app_.set_version_flag("--version", std::string("attestctl ") + ATTESTD_VERSION);
    app_.require_subcommand(1);
    app_.footer(
        "Exit status: 0 trusted or done, 1 refused, 2 cannot tell (usage, unreadable input).\nSee attestctl(1).");
    add_status();
    add_evidence();
    add_inspect();
    add_verify();
    add_host_proof();
    add_host_cert();
    add_exporter();
    add_watch();
    add_keys();
    add_policy();
    add_pcr_policy();
    add_disk_commands(app_, options_.common, options_.disk, options_.action);
  }

  int parse_and_run(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp& help) {
      return app_.exit(help);
    } catch (const CLI::CallForAllHelp& help) {
      return app_.exit(help);
    } catch (const CLI::CallForVersion& version) {
      return app_.exit(version);
    } catch (const CLI::ParseError& error) {
      complain(std::string(error.what()) + ": see attestctl --help");
      return cannot_tell;
    }
    options_.common.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(options_.timeout_s * 1000));
    options_.common.https.connect_timeout =
        std::chrono::milliseconds(static_cast<std::int64_t>(options_.connect_timeout_s * 1000));
    options_.keys_fetch.patience = std::chrono::milliseconds(static_cast<std::int64_t>(options_.patience_s * 1000));
    options_.common.colour = options_.colour == "always"  ? Colour::always
                             : options_.colour == "never" ? Colour::never
                                                          : Colour::automatic;
    const auto status = options_.action();
    if (status) return *status;
    complain(status.error());
    return cannot_tell;
  }

 private:
  // A command, its examples, and what it does with its own options.
  template <class Own>
  CLI::App& command(CLI::App& parent, const std::string& name, const std::string& does, const std::string& examples,
                    Result<int> (*run)(const CommonOptions&, const Own&), const Own& own) {
    CLI::App& app = *parent.add_subcommand(name, does);
    if (!examples.empty()) app.footer("Examples:\n" + examples);
    app.add_option("--colour,--color", options_.colour, "auto: on a terminal without NO_COLOR; always; never")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->type_name("WHEN");
    app.callback([this, &app, run, &own] {
      // A command within this one runs instead.
      if (app.get_subcommands().empty()) options_.action = [this, run, &own] { return run(options_.common, own); };
    });
    return app;
  }

  void add_json(CLI::App& app) { app.add_flag("--json", options_.common.json, "JSON instead of text"); }

  void add_timeout(CLI::App& app) {
    app.add_option("--timeout", options_.timeout_s, "seconds to wait for evidence (15)")
        ->check(CLI::Range(0.001, 86400.0))
        ->check(is_number())
        ->type_name("SECONDS");
  }

  void add_from(CLI::App& app, std::string& from, const char* otherwise = "the agent's socket") {
    app.add_option("--from", from,
                   std::string("https://HOST, unix:PATH, file:PATH, exec:COMMAND or a path; default: ") + otherwise)
        ->type_name("SOURCE");
    add_timeout(app);
    add_https(app);
  }

  void add_https(CLI::App& app) {
    HttpsOptions& https = options_.common.https;
    app.add_option("--ca-file", https.ca_file,
                   "over HTTPS: also demand a certificate from these roots (PEM); default: evidence alone decides")
        ->type_name("FILE");
    add_reach(app, https);
  }

  void add_reach(CLI::App& app, HttpsOptions& https) {
    app.add_option("--proxy", https.proxy, "over HTTPS: as curl's; default: https_proxy and no_proxy")
        ->type_name("[SCHEME://]HOST[:PORT]");
    app.add_option("--connect-timeout", options_.connect_timeout_s, "over HTTPS: seconds to reach one server (5)")
        ->check(CLI::Range(0.001, 86400.0))
        ->check(is_number())
        ->type_name("SECONDS");
  }

  static void add_files(CLI::App& app, const std::string& name, std::vector<std::string>& files, const char* does) {
    app.add_option(name, files, does)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("FILE");
  }

  static void add_trust_root(CLI::App& app, std::vector<std::string>& roots) {
    add_files(app, "--trust-root", roots,
              "root of hardware to trust beside AMD's and Intel's (PEM or DER); may be repeated");
  }

  static void add_vtpm_roots(CLI::App& app, RootOptions& roots) {
    add_files(app, "--trust-vtpm-root", roots.vtpm,
              "root of vTPM keys' certificates to trust beside Google's; may be repeated");
    add_files(app, "--trust-nitro-root", roots.nitro,
              "root of attestation documents to trust beside AWS's; may be repeated");
  }

  // Each vendor's as far as the command has a use for it.
  static void add_trust(CLI::App& app, TrustOptions& trust, bool amd, bool intel) {
    app.add_option("--policy", trust.policy, "what you expect: attestd-policy(5)")->type_name("FILE");
    add_endorsements(app, trust, amd, intel);
  }

  static void add_endorsements(CLI::App& app, TrustOptions& trust, bool amd, bool intel) {
    if (amd) {
      app.add_option("--certs", trust.certificates, "folder or file with the vendor's certificates")->type_name("DIR");
    }
    if (intel) {
      app.add_option("--collateral", trust.collateral,
                     "folder or file with Intel's TCB info, QE identity and lists (TDX)")
          ->type_name("DIR");
    }
    add_files(app, "--crl", trust.crls, "certificate revocation list (PEM or DER); may be repeated");
    add_cache(app, trust.cache);
    app.add_flag("--no-cache", trust.no_cache, "use what the evidence and the options bring, nothing else");
    add_trust_root(app, trust.roots.hardware);
  }

  static void add_cache(CLI::App& app, std::string& cache) {
    app.add_option("--cache", cache, "folder that \"attestctl keys fetch\" fills; default: attestctl(1)")
        ->type_name("DIR");
  }

  static void add_at(CLI::App& app, TrustOptions& trust) {
    app.add_option("--at", trust.at, "verify as of this time (RFC 3339), not now")->type_name("TIME");
  }

  // After the options that it excludes.
  static void add_cached(CLI::App& app, bool& cached, std::initializer_list<const char*> excluded) {
    CLI::Option* const option = app.add_flag(
        "--cached", cached, "what the agent gives to all monitors for a while: only its age is its freshness");
    for (const char* const name : excluded) option->excludes(app.get_option(name));
  }

  void add_status() {
    CLI::App& app =
        command(app_, "status", "What the agent sees on this machine",
                "  attestctl status\n  attestctl status --json | jq .platform", &run_status, options_.status);
    app.add_option("--socket", options_.status.socket, "the agent's socket (ATTESTD_SOCKET, /run/attestd/attestd.sock)")
        ->type_name("PATH");
    add_timeout(app);
    add_json(app);
  }

  void add_evidence() {
    CLI::App& app =
        command(app_, "evidence", "Fetch a bundle of evidence",
                "  attestctl evidence -o bundle.json\n"
                "  attestctl evidence --nonce $(openssl rand -hex 32) --from exec:'ssh vm attestctl evidence "
                "--nonce $ATTESTD_NONCE' -o bundle.json",
                &run_evidence, options_.evidence);
    app.add_option("--nonce", options_.evidence.nonce, "8 to 64 bytes; default: 32 random ones, told on standard error")
        ->type_name("HEX");
    add_from(app, options_.evidence.from);
    app.add_option("--purpose", options_.evidence.purpose, "host (default) or monitor")
        ->check(CLI::IsMember({"host", "monitor"}))
        ->type_name("PURPOSE");
    add_cached(app, options_.evidence.cached, {"--nonce", "--purpose"});
    app.add_option("--credential", options_.evidence.credential, "for the VM's TPM, as ATTESTD_CREDENTIAL has it");
    app.add_option("--activation-secret", options_.evidence.activation_secret,
                   "ask twice, so that an SVSM's TPM shows its keys' home; verify needs this file")
        ->type_name("FILE");
    app.add_option("-o,--output", options_.evidence.output, "write the bundle there, whole or not at all")
        ->type_name("FILE");
  }

  void add_inspect() {
    CLI::App& app =
        command(app_, "inspect", "Show what a file of evidence says; nothing is verified",
                "  attestctl inspect bundle.json\n"
                "  attestctl inspect --json /sys/kernel/security/tpm0/binary_bios_measurements | jq .replay",
                &run_inspect, options_.inspect);
    app.add_option("FILE", options_.inspect.file, "a bundle, or a raw file of any known format")->required();
    app.add_option("--type", options_.inspect.type, "by content unless given: " + joined(evidence_type_names()))
        ->type_name("TYPE");
    add_json(app);
  }

  void add_verify() {
    VerifyOptions& options = options_.verify;
    CLI::App& app = command(app_, "verify", "Verify a bundle: the five answers",
                            "  attestctl verify bundle.json --nonce 00112233445566778899aabbccddeeff --policy vm.toml\n"
                            "  attestctl verify --from exec:'ssh vm attestctl evidence --nonce $ATTESTD_NONCE' "
                            "--policy vm.toml",
                            &run_verify, options);
    app.add_option("BUNDLE", options.bundle, "a file; without one evidence is fetched with a fresh nonce");
    app.add_option("--nonce", options.nonce, "the nonce that was sent")->type_name("HEX");
    add_from(app, options.from);
    app.add_option("--activation-secret", options.activation_secret, "that attestctl evidence wrote with the bundle")
        ->type_name("FILE");
    app.add_option("--purpose", options.purpose, "that the statement must have; default: host, when it is fetched")
        ->check(CLI::IsMember({"host", "monitor", "unlock", "workload"}))
        ->type_name("PURPOSE");
    add_cached(app, options.cached, {"BUNDLE", "--nonce", "--activation-secret"});
    add_trust(app, options.trust, true, true);
    add_vtpm_roots(app, options.trust.roots);
    add_at(app, options.trust);
    add_json(app);
    app.require_subcommand(0, 1);
    add_verify_snp(app);
    add_verify_azure(app);
    add_verify_tdx(app);
    add_verify_tpm(app);
    add_verify_nitrotpm(app);
  }

  void add_verify_snp(CLI::App& verify) {
    VerifySnpOptions& options = options_.verify_snp;
    CLI::App& app = command(verify, "snp", "Verify a SEV-SNP attestation report",
                            "  attestctl verify snp --report report.bin --certs certs/ --at 2025-06-01T00:00:00Z",
                            &run_verify_snp, options);
    app.add_option("--report", options.report, "attestation report, 1184 bytes")->required()->type_name("FILE");
    add_trust(app, options.trust, true, false);
    add_at(app, options.trust);
    add_json(app);
  }

  void add_verify_azure(CLI::App& verify) {
    VerifyAzureOptions& options = options_.verify_azure;
    CLI::App& app = command(verify, "azure", "Verify the report of Azure's paravisor, and the vTPM's quote",
                            "  attestctl verify azure --hcl hcl-report.bin --certs certs/\n"
                            "  attestctl verify azure --hcl hcl-report.bin --quote td-quote.bin",
                            &run_verify_azure, options);
    app.add_option("--hcl", options.hcl, "HCL report, NV index 0x01400001 of the vTPM")->required()->type_name("FILE");
    app.add_option("--quote", options.quote, "TD quote of the report's TDREPORT (TDX)")->type_name("FILE");
    app.add_option("--tpm-quote", options.tpm_quote, "TPMS_ATTEST by the key that the report names")->type_name("FILE");
    app.add_option("--tpm-signature", options.tpm_signature, "its TPMT_SIGNATURE, or a bare RSA signature")
        ->type_name("FILE");
    app.get_option("--tpm-quote")->needs(app.get_option("--tpm-signature"));
    app.get_option("--tpm-signature")->needs(app.get_option("--tpm-quote"));
    app.add_option("--extra-data", options.extra_data, "the qualifying data that the vTPM's quote must carry")
        ->needs(app.get_option("--tpm-quote"))
        ->type_name("HEX");
    add_trust(app, options.trust, true, true);
    add_at(app, options.trust);
    add_json(app);
  }

  void add_verify_tdx(CLI::App& verify) {
    VerifyTdxOptions& options = options_.verify_tdx;
    CLI::App& app = command(verify, "tdx", "Verify a TD quote with Intel's collateral",
                            "  attestctl verify tdx --quote quote.bin --collateral intel/ --at 2025-06-01T00:00:00Z",
                            &run_verify_tdx, options);
    app.add_option("--quote", options.quote, "TD quote, version 4 or 5")->required()->type_name("FILE");
    add_trust(app, options.trust, false, true);
    add_at(app, options.trust);
    add_json(app);
  }

  void add_verify_tpm(CLI::App& verify) {
    VerifyTpmOptions& options = options_.verify_tpm;
    CLI::App& app =
        command(verify, "tpm", "Verify a TPM quote",
                "  attestctl verify tpm --quote quote.msg --signature quote.sig --ak ak.pub --pcrs pcrs.bin "
                "--eventlog binary_bios_measurements",
                &run_verify_tpm, options);
    app.add_option("--quote", options.quote, "TPMS_ATTEST")->required()->type_name("FILE");
    app.add_option("--signature", options.signature, "TPMT_SIGNATURE")->required()->type_name("FILE");
    app.add_option("--ak", options.ak, "TPMT_PUBLIC, TPM2B_PUBLIC or PEM")->required()->type_name("FILE");
    app.add_option("--pcrs", options.pcrs, "PCR values: our JSON, or as tpm2_quote writes them")->type_name("FILE");
    app.add_option("--eventlog", options.event_log, "the firmware's event log")->type_name("FILE");
    app.add_option("--userspace-log", options.userspace_log, "systemd's tpm2-measure.log")->type_name("FILE");
    app.add_option("--extra-data", options.extra_data, "the qualifying data that the quote must carry")
        ->type_name("HEX");
    add_json(app);
  }

  void add_verify_nitrotpm(CLI::App& verify) {
    VerifyNitrotpmOptions& options = options_.verify_nitrotpm;
    CLI::App& app = command(verify, "nitrotpm", "Verify an attestation document of AWS's Nitro hypervisor",
                            "  attestctl verify nitrotpm --document document.bin --at 2025-06-01T00:00:00Z",
                            &run_verify_nitrotpm, options);
    app.add_option("--document", options.document, "COSE_Sign1, as the NitroTPM gives it")
        ->required()
        ->type_name("FILE");
    add_files(app, "--root", options.trust.roots.nitro,
              "the root that it must come from (PEM or DER), in place of AWS's; may be repeated");
    add_at(app, options.trust);
    add_json(app);
  }

  void add_host_proof() {
    HostProofOptions& options = options_.host_proof;
    CLI::App& app = command(app_, "host-proof",
                            "known_hosts lines for keys that verified evidence lists, for ssh's KnownHostsCommand",
                            "  in ssh_config(5), on one line:\n"
                            "  KnownHostsCommand /usr/bin/attestctl host-proof --policy /etc/ssh/vm.toml %I %H %t %K",
                            &run_host_proof, options);
    app.add_option("WORDS", options.words, "%I %H %t %K of ssh, or %H alone")->required()->expected(1, 4);
    add_from(app, options.from, "what hosts.toml or an SRV record says, or https://%H:28443");
    app.add_option("--hosts", options.hosts, "attestd-hosts.toml(5); default: ~/.config/attestd, then /etc/attestd")
        ->type_name("FILE");
    add_trust(app, options.trust, true, true);
    add_vtpm_roots(app, options.trust.roots);
  }

  void add_host_cert() {
    HostCertOptions& options = options_.host_cert;
    CLI::App& app = command(app_, "host-cert", "Get OpenSSH certificates for this VM's host keys, after attestation",
                            "  attestctl host-cert --broker https://broker.example --principal vm.example\n"
                            "  attestctl host-cert --broker https://broker.example --principal vm.example "
                            "--renew-before 28800",
                            &run_host_cert, options);
    app.add_option("--broker", options.broker, "the relying party that verifies and signs (port 28444)")
        ->required()
        ->type_name("https://HOST[:PORT]");
    app.add_option("--principal", options.principals, "a name that clients reach this VM by; may be given often")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name("NAME");
    app.add_option("--folder", options.folder, "of ssh_host_*_key.pub; certificates are written beside them (/etc/ssh)")
        ->type_name("FOLDER");
    app.add_option("--authority", options.authority,
                   "the public key that must have signed; default: any of the broker's")
        ->type_name("FILE");
    app.add_option("--on-change", options.on_change, "run this by /bin/sh when a certificate was written")
        ->type_name("COMMAND");
    app.add_option("--renew-before", options.renew_before_s,
                   "do nothing while every certificate lasts longer than this; default: always renew")
        ->check(CLI::Range(0.0, 31536000.0))
        ->check(is_number())
        ->type_name("SECONDS");
    app.add_option("--from", options.from, "unix:PATH, exec:COMMAND or a path; default: the agent's socket")
        ->type_name("SOURCE");
    add_timeout(app);
    HttpsOptions& https = options_.common.https;
    app.add_option("--ca-file", https.ca_file, "PEM with the roots for the broker's certificate; default: the system's")
        ->type_name("FILE");
    add_reach(app, https);
  }

  void add_exporter() {
    ExporterOptions& options = options_.exporter;
    CLI::App& app = command(app_, "exporter", "Probe VMs for Prometheus, with fresh nonces",
                            "  attestctl exporter --policy-dir /etc/attestd/policies\n"
                            "  curl 'http://127.0.0.1:9743/probe?target=https://vm.example:28443&policy=web'",
                            &run_exporter, options);
    app.add_option("--listen", options.listen, "ADDRESS:PORT to serve HTTP at")
        ->type_name("ADDRESS")
        ->capture_default_str();
    app.add_option("--policy-dir", options.policy_folder, "folder of policies, NAME.toml for policy=NAME")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--targets", options.targets_file,
                   "file of targets that may be asked besides, one a line: unix: and exec: must be there")
        ->type_name("FILE");
    app.add_option("--targets-allow", options.targets_allow,
                   "extended regular expression for the whole of an https target; default: any")
        ->type_name("REGEX");
    app.add_option("--max-probes", options.max_probes, "probes at once; four times as many may wait")
        ->check(CLI::Range(1, 1024))
        ->type_name("NUMBER")
        ->capture_default_str();
    add_timeout(app);
    add_https(app);
    add_endorsements(app, options.trust, true, true);
    add_vtpm_roots(app, options.trust.roots);
  }

  void add_watch() {
    WatchOptions& options = options_.watch;
    CLI::App& app = command(app_, "watch", "Show a set of VMs, probed again and again",
                            "  attestctl watch --policy vm.toml unix:/run/vm1.sock unix:/run/vm2.sock\n"
                            "  attestctl watch --policy vm.toml --once --json unix:/run/vm1.sock | jq .verdict",
                            &run_watch, options);
    app.add_option("HOST", options.hosts, "https://HOST:PORT, unix:PATH, exec:COMMAND, or a host's name")->required();
    app.add_option("--interval", options.interval_s, "seconds from one round to the next (10)")
        ->check(CLI::Range(0.1, 86400.0))
        ->check(is_number())
        ->type_name("SECONDS");
    app.add_flag("--once", options.once, "one round, and an exit status: 0 all trusted, 1 some refused, 2 cannot tell");
    add_cached(app, options.cached, {});
    add_timeout(app);
    add_https(app);
    add_trust(app, options.trust, true, true);
    add_vtpm_roots(app, options.trust.roots);
    add_json(app);
  }

  void add_keys() {
    CLI::App& keys = *app_.add_subcommand("keys", "Vendors' certificates and collateral, for verifying offline");
    keys.require_subcommand(1);
    KeysFetchOptions& options = options_.keys_fetch;
    CLI::App& app = command(keys, "fetch", "Fill the cache from vendors' key services, or from a folder",
                            "  attestctl keys fetch bundle.json\n"
                            "  attestctl keys fetch --product Milan --product Genoa\n"
                            "  attestctl keys fetch --prime /media/usb/certs",
                            &run_keys_fetch, options);
    app.add_option("EVIDENCE", options.files, "bundles or hardware reports: what verifying them needs is fetched");
    const auto many = [&app](const char* name, std::vector<std::string>& values, const char* does, const char* type) {
      app.add_option(name, values, does)
          ->expected(1)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
          ->type_name(type);
    };
    many("--prime", options.prime, "folder or file to take from, without asking a service; may be repeated", "DIR");
    many("--product", options.products, "Milan, Genoa or Turin: its issuers and revocation lists; may be repeated",
         "NAME");
    app.add_option("--chip-id", options.chip_id, "with --product and --tcb: the VCEK of this chip")->type_name("HEX");
    app.add_option("--tcb", options.tcb, "reported TCB, 8 bytes")->type_name("HEX");
    add_cache(app, options.cache);
    app.add_option("--amd-url", options.amd_url, "AMD's Key Distribution Service, or a mirror")
        ->type_name("URL")
        ->capture_default_str();
    app.add_option("--intel-url", options.intel_url, "Intel's Provisioning Certification Service, or a mirror")
        ->type_name("URL")
        ->capture_default_str();
    app.add_option("--intel-crl-url", options.intel_crl_url, "where Intel's root has its revocation list")
        ->type_name("URL")
        ->capture_default_str();
    app.add_option("--ca-file", options.ca_file, "PEM with the roots for https; default: the system's")
        ->type_name("FILE");
    app.add_option("--patience", options_.patience_s, "seconds to wait in all for services that ask for it (60)")
        ->check(CLI::Range(0.0, 86400.0))
        ->check(is_number())
        ->type_name("SECONDS");
    add_timeout(app);
    app.add_option("--at", options.at, "keep what is valid at this time (RFC 3339), not now")->type_name("TIME");
    add_trust_root(app, options.trust_roots);
  }

  void add_policy() {
    CLI::App& policy = *app_.add_subcommand("policy", "Make, check and explain policies");
    policy.require_subcommand(1);
    CLI::App& init =
        command(policy, "init", "Write a policy that accepts what a VM shows today",
                "  attestctl policy init --from bundle.json -o vm.toml", &run_policy_init, options_.policy_init);
    add_from(init, options_.policy_init.from);
    add_trust_root(init, options_.policy_init.roots.hardware);
    add_vtpm_roots(init, options_.policy_init.roots);
    init.add_option("-o,--output", options_.policy_init.output, "write it there; default: standard output")
        ->type_name("FILE");
    CLI::App& check = command(policy, "check", "Is this file a policy?", "  attestctl policy check vm.toml",
                              &run_policy_check, options_.policy_check);
    check.add_option("FILE", options_.policy_check.file, "the policy")->required();
    CLI::App& explain = command(policy, "explain", "Say what a policy demands, sentence by sentence",
                                "  attestctl policy explain vm.toml", &run_policy_explain, options_.policy_explain);
    explain.add_option("FILE", options_.policy_explain.file, "the policy")->required();
  }

  void add_pcr_policy() {
    CLI::App& parent = *app_.add_subcommand("pcr-policy", "Sign the boots in which a vTPM opens a volume");
    parent.require_subcommand(1);
    PcrPolicySignOptions& options = options_.pcr_policy_sign;
    CLI::App& sign = command(parent, "sign", "Sign values of PCRs, for attestd-unlock and systemd-cryptsetup",
                             "  attestctl pcr-policy sign --key owner.key --pcrs 4,7,11,12 --values predicted.json -o "
                             "tpm2-pcr-signature.json\n"
                             "  attestctl pcr-policy sign --key owner.key --from bundle.json --policy vm.toml --add-to "
                             "tpm2-pcr-signature.json -o tpm2-pcr-signature.json",
                             &run_pcr_policy_sign, options);
    sign.add_option("--key", options.key, "the owner's private key (PEM): RSA of 2048 or 3072 bits, or P-256")
        ->required()
        ->type_name("FILE");
    sign.add_option("--pcrs", options.pcrs, "that are signed (4,7,11,12)")->delimiter(',')->type_name("NUMBER");
    CLI::Option* const values = sign.add_option("--values", options.values,
                                                "JSON {\"sha256\":{\"4\":\"HEX\",...}}, or what tpm2_quote --pcr wrote")
                                    ->type_name("FILE");
    CLI::Option* const from =
        sign.add_option("--from", options.from, "bundle whose TPM quote has them; its signature is checked")
            ->excludes(values)
            ->type_name("BUNDLE");
    sign.add_option("--policy", options.policy, "that the bundle must meet: attestd-policy(5)")
        ->needs(from)
        ->type_name("FILE");
    add_trust_root(sign, options.roots);
    sign.add_option("--add-to", options.add_to, "signed policies that stay beside the new one")->type_name("FILE");
    sign.add_option("-o,--output", options.output, "write it there; default: standard output")->type_name("FILE");
    CLI::App& show = command(parent, "show", "Say which boots a file of signed policies is for",
                             "  attestctl pcr-policy show tpm2-pcr-signature.json --public-key owner.pem",
                             &run_pcr_policy_show, options_.pcr_policy_show);
    show.add_option("FILE", options_.pcr_policy_show.file, "signed policies")->required();
    show.add_option("--public-key", options_.pcr_policy_show.key, "the owner's (PEM): check signatures by it")
        ->type_name("FILE");
  }

  Options options_;
  CLI::App app_;
};

}  // namespace

int run_command_line(int argc, char** argv) {
  CommandLine line;
  return line.parse_and_run(argc, argv);
}

}  // namespace attestd
