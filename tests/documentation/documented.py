#!/usr/bin/env python3
"""Is each name that the programs promise to keep in their documentation?

Reason codes and check ids of a verdict, types of evidence, options and commands of the
programs, keys of a policy and of the programs' configurations, events and problems, the
broker's resources and metrics, labels of a bundle.

usage: documented.py PROGRAM...
PROGRAM is attestctl, attest-broker, attest-brokerd or attestd-unlock, wherever it was built.
"""
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[2]
programs = {pathlib.Path(path).name: path for path in sys.argv[1:]}
faults = []
compared = 0


def source(*patterns):
    return "\n".join(path.read_text() for pattern in patterns for path in sorted(root.glob(pattern)))


def manual(name):
    """The text of a man page, without mdoc's macros for quotes and spaces."""
    text = (root / "man" / name).read_text()
    return text.replace("\\&", "").replace("Fl -", "--").replace(" Ns ", "")


def words(text):
    return set(re.findall(r"[A-Za-z0-9_%][A-Za-z0-9_.-]*[A-Za-z0-9_]|[A-Za-z0-9]", text))


def section(text, title):
    found = re.search(rf"^\.S[hs] {title}\n(.*?)(?=^\.Sh |\Z)", text, re.M | re.S)
    return found.group(1) if found else ""


def demand(what, names, documented, where, least):
    """Each of `names`, of which there must be at least `least`, is in `documented`."""
    global compared
    names = set(names)
    compared += len(names)
    if len(names) < least:
        faults.append(f"only {len(names)} {what} were found: this check is broken")
    for name in sorted(names - set(documented)):
        faults.append(f"{what}: '{name}' is not in {where}")


def only(what, documented, names, where):
    """Nothing is documented that is not there."""
    for name in sorted(set(documented) - set(names)):
        faults.append(f"{what}: {where} has '{name}', which is not there")


verifier = source("verifier/*.cpp")
page = manual("attestctl.1")

# Reasons: the first argument of AnswerBuilder's functions.
codes = set(re.findall(r'\.(?:yes|no|unknown|note)\(\s*"([a-z0-9-]+)"', verifier))
isolations = set(re.findall(r'Isolation\{"([a-z]+)"', verifier))
codes |= {"vtpm-" + name for name in isolations}
documented = set()
for line in re.findall(r"^\.It Cm (.*)$", section(page, "REASONS"), re.M):
    documented |= {word for word in line.replace(" ,", "").split() if word != ","}
for line in re.findall(r"^\.Cm (.*)$", section(page, "REASONS"), re.M):
    documented |= set(line.replace(" ,", "").split())
demand("reason codes", codes, documented, "REASONS of attestctl(1)", 40)

# Checks.
ids = set(re.findall(r'"((?:binding|snp|tdx|tpm|azure|nitro|svsm|gcp)\.[a-z-]+)"', verifier))
listed = set(re.findall(r"^\.It Cm (\S+)$", section(page, "CHECKS"), re.M))
demand("check ids", ids, listed, "CHECKS of attestctl(1)", 35)
only("check ids", listed, ids, "CHECKS of attestctl(1)")

# Types of evidence.
types = re.findall(r'\{EvidenceType::\w+, "([a-z0-9-]+)"\}', source("client/evidence_type.cpp"))
option = re.search(r"^\.It --type .*?(?=^\.It )", page, re.M | re.S)
demand("types of evidence", types, words(option.group(0) if option else ""), "--type of attestctl(1)", 15)
completion = source("client/completion/attestctl")
demand("types of evidence", types, words(completion), "the completion", 15)

# Keys of a policy.
keys = set(re.findall(r'(?:(?:->|\.)(?:boolean|integer|string|strings|hex|hex_list|names)\(|read_(?:set|numbers)\(\*section, )"([a-z-]+)"',
                      source("verifier/policy_*.cpp")))
keys |= set(re.findall(r'\{"([a-z-]+)", &(?:policy|tdx)\.', source("verifier/policy_*.cpp")))
policy = set()
for line in re.findall(r"^\.It Cm (.*)$", manual("attestd-policy.5"), re.M):
    policy |= words(line)
demand("keys of a policy", keys, policy, "attestd-policy(5)", 40)

# Events and problems of attestd.
api = (root / "docs/api.md").read_text()
events = set(re.findall(r'Event \w+\{"[0-9a-f]{32}", "([a-z-]+)"\}', source("agent/*.h", "agent/*.cpp", "daemon/*.h")))
told = set(re.findall(r"`([a-z-]+)`", api[api.index("The journal has one entry"):]))
demand("events", events, told, "docs/api.md", 12)
only("events", told - {"MESSAGE_ID", "ATTESTD_EVENT"}, events, "docs/api.md")
problems = set(re.findall(r'ProblemKind \w+\{"([a-z-]+)"', source("agent/problem.h", "gateway/problems.h", "net/problem.h")))
table = api[api.index("## Problems"):api.index("## Signals")]
told = {name for row in re.findall(r"^\| (`[^|]*) \|", table, re.M) for name in re.findall(r"`([a-z-]+)`", row)}
demand("problems", problems, told, "docs/api.md", 20)
only("problems", told, problems, "docs/api.md")

# Keys of the programs' configurations.
def keys_of(*files):
    return set(re.findall(r'^ +\{"[a-z-]+", "([a-z-]+)",', source(*files), re.M))


def items(text):
    return "\n".join(re.findall(r"^\.It (.*)$", text, re.M))


for daemon, configuration in (("agent", "attestd.toml.5"), ("gateway", "attestd-gateway.toml.5"),
                              ("broker", "attest-brokerd.toml.5")):
    shared = set() if daemon == "agent" else keys_of("net/server_limits_internal.h")
    demand(f"keys of {configuration}", shared | keys_of(f"{daemon}/config.cpp"), words(items(manual(configuration))), "its manual", 15)
page_items = items(manual("attestd-unlock.8"))
keys = keys_of("unlock/settings.cpp")
demand("keys of unlock.toml", keys, words(page_items), "attestd-unlock(8)", 7)
arguments = set(re.findall(r"rd\.attestd\.([a-z-]+)=", page_items))
# Some of them are in no file.
keys |= set(re.findall(r'if \(name == "([a-z-]+)"\)', source("unlock/settings.cpp")))
demand("words of the command line", keys, arguments, "attestd-unlock(8)", 7)
only("words of the command line", arguments, keys, "attestd-unlock(8)")

# The broker's defaults.
defaults = re.findall(r'^//   ([a-z-]+) = ("[^"]*"|[0-9]+)(?= |$)', source("broker/config.h"), re.M)
told = {f"{key} = {value}" for key, value in re.findall(r"^\.It Cm ([a-z-]+) No = (.*)$", manual("attest-brokerd.toml.5"), re.M)}
demand("defaults", {f"{key} = " + re.sub('^"(.*)"$', lambda found: ("Qq " + found.group(1)).strip(), value) for key, value in defaults},
       told, "attest-brokerd.toml(5)", 20)

# What the broker serves.
broker = source("broker/*.cpp")
page_of_broker = (root / "docs/broker.md").read_text()
problems = set(re.findall(r'ProblemKind \w+\{"([a-z-]+)"', broker + source("net/problem.h")))
table = page_of_broker[page_of_broker.index("### Problems"):]
table = table[:table.index("\n## ")]
told = {name for row in re.findall(r"^\| (`[^|]*) \|", table, re.M) for name in re.findall(r"`([a-z-]+)`", row)}
demand("the broker's problems", problems, told, "docs/broker.md", 12)
only("the broker's problems", told, problems, "docs/broker.md")
families = set(re.findall(r'"(attest_broker_[a-z_]+)"', broker))
told = set(re.findall(r"`(attest_broker_[a-z_]+)`", page_of_broker))
demand("the broker's metrics", families, told, "docs/broker.md", 9)
only("the broker's metrics", told, families, "docs/broker.md")
paths = set(re.findall(r'"(/(?:v1|kbs/v0)/[a-z-]+|/metrics)[/"]', broker))
demand("the broker's resources", paths, set(re.findall(r"(/(?:v1|kbs/v0)/[a-z-]+|/metrics)", page_of_broker)), "docs/broker.md", 9)
errors = re.findall(r'ErrorName\{ErrorKind::\w+, "(\w+)"', source("kbs/names.cpp"))
served = {name for name in errors if name not in ("PluginNotFound", "PolicyEngineError", "SerdeError")}
demand("errors of the KBS protocol", served, words(page_of_broker), "docs/broker.md", 7)

# Labels of a bundle.
labels = set(re.findall(r'"([a-z-]+)",\s*"application/', source("evidence/bundle*.cpp", "evidence/bundle*.h")))
wire = (root / "docs/wire-format.md").read_text()
demand("labels of a bundle", labels, set(re.findall(r"^\| `([a-z-]+)` \|", wire, re.M)), "docs/wire-format.md", 12)


# Commands and options, as the programs themselves list them.
def help_of(program, command):
    return subprocess.run([program, *command, "--help"], capture_output=True, text=True, check=True).stdout


def commands_of(program, above=()):
    """Those that do something: not the ones that only have others in them."""
    found = re.search(r"^Subcommands:\n((?:  .*\n)+)", help_of(program, above), re.M)
    names = re.findall(r"^  ([a-z-]+)", found.group(1), re.M) if found else []
    return [command for name in names for command in commands_of(program, (*above, name))] or [above]


def options_of(text):
    # An option's line begins with it; what follows is its description.
    return {name for line in re.findall(r"^ +((?:-\w,)?--\S+)", text, re.M) for name in re.findall(r"--[a-z-]+", line)}


def synopsis(text, command):
    for part in section(text, "SYNOPSIS").split(".Nm\n"):
        if part.startswith(".Cm " + " ".join(command) + "\n") or part == ".Cm " + " ".join(command):
            return part
    return ""


def described(text):
    return set(re.findall(r"--[a-z-]+", items(section(text, "DESCRIPTION"))))


def check_commands(program, commands, number, page, completion):
    """`number`: the page's, "attestctl(1)"."""
    for command in commands:
        options = options_of(help_of(program, command))
        name = " ".join(command)
        where = f"{number}, SYNOPSIS of {name}"
        own = synopsis(page, command)
        if not own:
            faults.append(f"commands: '{name}' is not in SYNOPSIS of {number}")
        given = set(re.findall(r"--[a-z-]+", own))
        demand("options", options - common - {"--timeout"}, given, where, 0)
        only("options", given, options, where)
        demand("options", options, described(page) | {"--color"}, f"Options of {number}", 1)
        cases = completion[completion.index("local words="):]
        line = re.search(rf"^  (?:'?{name}'?|[^)]*'{name}'[^)]*)\)", cases, re.M)
        completed = cases[line.end():].split(";;")[0] if line else ""
        demand("options", options - {"--color"}, set(re.findall(r"--[a-z-]+", completed)), f"the completion of {name}", 1)
        only("options", set(re.findall(r"--[a-z-]+", completed)), options, f"the completion of {name}")


common = {"--help", "--colour", "--color", "--output"}
if "attestctl" in programs:
    commands = commands_of(programs["attestctl"]) + [("verify",)]
    if len(commands) < 17:
        faults.append("attestctl lists too few commands: this check is broken")
    check_commands(programs["attestctl"], commands, "attestctl(1)", page, completion)
if "attest-broker" in programs:
    commands = commands_of(programs["attest-broker"])
    if len(commands) < 21:
        faults.append("attest-broker lists too few commands: this check is broken")
    page = manual("attest-broker.1")
    check_commands(programs["attest-broker"], commands, "attest-broker(1)", page, source("broker/completion/attest-broker"))
    for command in commands:
        if not re.search(rf"^\.It Cm {' '.join(command)}$", page, re.M):
            faults.append(f"commands: '{' '.join(command)}' is not described in attest-broker(1)")
# Programs without commands, and the options that come before a command.
for name, number in (("attest-broker", "attest-broker(1)"), ("attest-brokerd", "attest-brokerd(8)"), ("attestd-unlock", "attestd-unlock(8)")):
    if name in programs:
        page = manual(f"{name}.{number[-2]}")
        options = options_of(help_of(programs[name], ())) - {"--help"}
        demand("options", options - {"--version"}, set(re.findall(r"--[a-z-]+", section(page, "SYNOPSIS"))), f"SYNOPSIS of {number}", 2)
        demand("options", options, described(page), f"Options of {number}", 3)
        if name != "attest-broker":
            only("options", described(page) - {"--help"}, options, number)

for fault in faults:
    print(fault)
print(f"{compared} names compared, {len(faults)} at fault")
sys.exit(1 if faults else 0)
