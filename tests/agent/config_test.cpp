#include "agent/config.h"
#include "tests/catch.h"

using namespace attestd;
using namespace attestd::agent;

TEST_CASE("an empty configuration is the defaults") {
  const auto config = parse_config("", "c.toml");
  REQUIRE(config);
  CHECK(config->api.socket == "/run/attestd/attestd.sock");
  CHECK(config->api.max_connections == 1100);
  CHECK(config->collection.timeout == std::chrono::seconds(10));
  CHECK(config->batching.enabled);
  CHECK_FALSE(config->snp.vmpl);
}

TEST_CASE("a configuration file that is not there is the defaults") { CHECK(load_config("/nonexistent/attestd.toml")); }

TEST_CASE("every key arrives where it belongs") {
  const auto config = parse_config(R"(
[api]
socket = "/tmp/s"
max-connections = 5
request-timeout = "250ms"
idle-timeout = "2m"
[snp]
backend = "sev-guest"
configfs = "/a"
device = "/b"
vmpl = 2
[azure]
metadata-service = "http://127.0.0.1:1"
timeout = "3s"
key-service = "https://kds.example"
user-data = false
[tpm]
tcti = "swtpm:path=/x"
banks = ["sha384", "sha256"]
pcrs = [0, 7]
[event-log]
firmware = ""
userspace = "/log"
[ssh]
sshd = "/bin/sshd"
config = "/c"
host-keys = ["/k1", "/k2"]
[collection]
timeout = "1s"
[batching]
enabled = false
max = 8
[log]
level = "debug"
)",
                                   "c.toml");
  if (!config) FAIL(config.error().text());
  CHECK(config->api.socket == "/tmp/s");
  CHECK(config->api.max_connections == 5);
  CHECK(config->api.request_timeout == std::chrono::milliseconds(250));
  CHECK(config->api.idle_timeout == std::chrono::minutes(2));
  CHECK(config->snp.backend == SnpBackend::sev_guest);
  CHECK(config->snp.configfs == "/a");
  CHECK(config->snp.device == "/b");
  CHECK(config->snp.vmpl == 2U);
  CHECK(config->azure.metadata_service == "http://127.0.0.1:1");
  CHECK(config->azure.timeout == std::chrono::seconds(3));
  CHECK(config->azure.key_service == "https://kds.example");
  CHECK_FALSE(config->azure.user_data);
  CHECK(config->tpm.tcti == "swtpm:path=/x");
  CHECK(config->tpm.banks == std::vector<std::uint16_t>{0x000c, 0x000b});
  CHECK(config->tpm.pcrs == std::vector<unsigned>{0, 7});
  CHECK(config->event_log.firmware.empty());
  CHECK(config->event_log.userspace == "/log");
  CHECK(config->ssh.sshd == "/bin/sshd");
  CHECK(config->ssh.config == "/c");
  CHECK(config->ssh.host_keys == std::vector<std::string>{"/k1", "/k2"});
  CHECK(config->collection.timeout == std::chrono::seconds(1));
  CHECK_FALSE(config->batching.enabled);
  CHECK(config->batching.max == 8);
  CHECK(config->log.level == daemon::Priority::debug);
}

TEST_CASE("what is wrong with a configuration is said with its line") {
  struct Case {
    const char* toml;
    const char* message;
  };
  for (const Case& c : std::vector<Case>{
           {"[api]\n\nsocked = 1", "c.toml:3: unknown key api.socked"},
           {"[apis]\nsocket = \"/x\"", "c.toml:1: unknown key apis"},
           {"api = 3", "c.toml:1: api must be a table"},
           {"[api]\nsocket = \"relative\"", "c.toml:2: api.socket must be an absolute path"},
           {"[api]\nmax-connections = 0", "c.toml:2: api.max-connections must be 1 to 100000"},
           {"[api]\nmax-connections = \"5\"", "c.toml:2: api.max-connections must be a whole number"},
           {"[api]\nrequest-timeout = \"5\"", "c.toml:2: api.request-timeout \"5\" is not a duration"},
           {"[api]\nrequest-timeout = \"0s\"", "is not a duration"},
           {"[api]\nidle-timeout = \"99999m\"", "is not a duration"},
           {"[snp]\nbackend = \"tdx\"", "c.toml:2: snp.backend must be one of \"auto\""},
           {"[snp]\nvmpl = 4", "c.toml:2: snp.vmpl must be 0 to 3"},
           {"[azure]\nmetadata-service = \"169.254.169.254\"", "c.toml:2: azure.metadata-service must be an http"},
           {"[azure]\nkey-service = \"ftp://x\"", "must be an http: or https: URL"},
           {"[tpm]\nbanks = [\"md5\"]", "c.toml:2: tpm.banks item \"md5\" is not a hash algorithm"},
           {"[tpm]\npcrs = [1, 1]", "c.toml:2: tpm.pcrs has an item twice"},
           {"[tpm]\npcrs = [24]", "c.toml:2: tpm.pcrs item must be 0 to 23"},
           {"[tpm]\npcrs = []", "must not be empty"},
           {"[batching]\nenabled = 1", "c.toml:2: batching.enabled must be true or false"},
           {"[log\n", "c.toml:1: "},
       }) {
    const auto config = parse_config(c.toml, "c.toml");
    INFO(c.toml);
    REQUIRE_FALSE(config);
    CHECK_THAT(config.error().message, Catch::Contains(c.message));
  }
}
