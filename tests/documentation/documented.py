#!/usr/bin/env python3
"""Is each name that the programs promise to keep in their documentation?

Reason codes and check ids of a verdict, types of evidence, options and commands of
attestctl, keys of a policy and of the daemons' configurations, events and problems of attestd, labels of a bundle.

usage: documented.py ATTESTCTL
"""
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[2]
attestctl = sys.argv[1] if len(sys.argv) > 1 else None
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
events = set(re.findall(r'Event \w+\{"[0-9a-f]{32}", "([a-z-]+)"\}', source("agent/*.h", "agent/*.cpp")))
told = set(re.findall(r"`([a-z-]+)`", api[api.index("The journal has one entry"):]))
demand("events", events, told, "docs/api.md", 12)
only("events", told - {"MESSAGE_ID", "ATTESTD_EVENT"}, events, "docs/api.md")
problems = set(re.findall(r'ProblemKind \w+\{"([a-z-]+)"', source("agent/problem.h", "gateway/problems.h", "net/problem.h")))
table = api[api.index("## Problems"):api.index("## Signals")]
told = {name for row in re.findall(r"^\| (`[^|]*) \|", table, re.M) for name in re.findall(r"`([a-z-]+)`", row)}
demand("problems", problems, told, "docs/api.md", 20)
only("problems", told, problems, "docs/api.md")

# Keys of the daemons' configurations.
for daemon, configuration in (("agent", "attestd.toml.5"), ("gateway", "attestd-gateway.toml.5")):
    keys = re.findall(r'^ +\{"[a-z-]+", "([a-z-]+)",', source(f"{daemon}/config.cpp"), re.M)
    demand(f"keys of {configuration}", keys, words(manual(configuration)), "its manual", 15)

# Labels of a bundle.
labels = set(re.findall(r'"([a-z-]+)",\s*"application/', source("evidence/bundle*.cpp", "evidence/bundle*.h")))
wire = (root / "docs/wire-format.md").read_text()
demand("labels of a bundle", labels, set(re.findall(r"^\| `([a-z-]+)` \|", wire, re.M)), "docs/wire-format.md", 12)


# Commands and options, as the program itself lists them.
def help_of(command):
    return subprocess.run([attestctl, *command, "--help"], capture_output=True, text=True, check=True).stdout


def synopsis(command):
    for part in section(page, "SYNOPSIS").split(".Nm\n"):
        if part.startswith(".Cm " + " ".join(command) + "\n"):
            return part
    return ""


common = {"--help", "--colour", "--color", "--output"}
if attestctl:
    commands = [[name] for name in ("status", "evidence", "inspect", "verify", "host-proof", "exporter", "watch")]
    commands += [["verify", kind] for kind in ("snp", "azure", "tdx", "tpm", "nitrotpm")]
    commands += [["keys", "fetch"], ["policy", "init"], ["policy", "check"], ["policy", "explain"]]
    for command in commands:
        text = help_of(command)
        # An option's line begins with it; what follows is its description.
        options = {name for line in re.findall(r"^ +((?:-\w,)?--\S+)", text, re.M) for name in re.findall(r"--[a-z-]+", line)}
        name = " ".join(command)
        where = f"attestctl(1), SYNOPSIS of {name}"
        own = synopsis(command)
        if not own:
            faults.append(f"commands: '{name}' is not in SYNOPSIS of attestctl(1)")
        given = set(re.findall(r"--[a-z-]+", own))
        demand("options", options - common - {"--timeout"}, given, where, 0)
        only("options", given, options, where)
        described = set(re.findall(r"--[a-z-]+", "\n".join(re.findall(r"^\.It .*$", section(page, "DESCRIPTION"), re.M))))
        demand("options", options, described | {"--color"}, "Options of attestctl(1)", 1)
        cases = completion[completion.index("local words="):]
        line = re.search(rf"^  (?:'?{name}'?|[^)]*'{name}'[^)]*)\)", cases, re.M)
        completed = cases[line.end():].split(";;")[0] if line else ""
        demand("options", options - {"--color"}, set(re.findall(r"--[a-z-]+", completed)), f"the completion of {name}", 1)
        only("options", set(re.findall(r"--[a-z-]+", completed)), options, f"the completion of {name}")

for fault in faults:
    print(fault)
print(f"{compared} names compared, {len(faults)} at fault")
sys.exit(1 if faults else 0)
