#!/usr/bin/env python3
"""clang-tidy over our sources, each only when something that it reads has changed.

usage: scripts/tidy.py BUILD [SOURCE...]

A source that came out clean is remembered, for every checkout of this user, under
a digest of all that the verdict depends on: clang-tidy's version, every
.clang-tidy, the compile command, and the contents of the source and of every
header that the compiler read for it (ninja's own dependency log). A source
without such a log is always checked. TIDY_CACHE names another folder than
~/.cache/attestd/tidy.

Without SOURCE it checks what is shipped: tests, fuzz targets and benchmarks would
double the time, and their macros are what most findings would be about.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys

TIDY = "clang-tidy-19"


def headers_by_object(build):
    """Object file -> list of files that the compiler read, from `ninja -t deps`."""
    found, current = {}, None
    listing = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines():
        if line.startswith(" ") and current is not None:
            found[current].append(line.strip())
        elif ": #deps" in line and line.endswith("(VALID)"):
            current = line.split(": #deps")[0]
            found[current] = []
        else:
            current = None
    return found


def digest(path, known={}):
    if path not in known:
        known[path] = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    return known[path]


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(os.environ.get("TIDY_CACHE") or os.path.join(base, "attestd", "tidy"))


def name_within(root, path):
    """The same in every checkout."""
    return os.path.relpath(path, root) if path.startswith(root + os.sep) else path


def main():
    build = os.path.abspath(sys.argv[1])
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    wanted = {os.path.abspath(name) for name in sys.argv[2:]}
    left_out = tuple(os.path.join(root, folder, "") for folder in ("tests", "fuzz", "bench"))
    headers = headers_by_object(build)
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    common = subprocess.run([TIDY, "--version"], check=True, capture_output=True, text=True).stdout
    for settings in sorted(pathlib.Path(root).glob("**/.clang-tidy")):
        common += settings.read_text(encoding="utf-8")

    work, clean, seen = [], 0, set()
    for entry in json.loads(pathlib.Path(build, "compile_commands.json").read_text(encoding="utf-8")):
        source = os.path.normpath(os.path.join(entry["directory"], entry["file"]))
        if not source.startswith(root + os.sep) or source.startswith(build + os.sep) or source in seen:
            continue
        if source not in wanted if wanted else source.startswith(left_out):
            continue
        seen.add(source)
        stamp = None
        read = headers.get(entry["output"])
        if read is not None:
            summary = hashlib.sha256((common + entry["command"]).encode())
            for path in sorted({os.path.normpath(os.path.join(build, name)) for name in read} | {source}):
                summary.update(f"{name_within(root, path)} {digest(path)}\n".encode())
            stamp = cache / summary.hexdigest()
            if stamp.exists():
                clean += 1
                continue
        work.append((source, stamp))

    def check(job):
        source, stamp = job
        result = subprocess.run([TIDY, "-p", build, "--quiet", source], capture_output=True, text=True, check=False)
        good = result.returncode == 0
        if good and stamp is not None:
            stamp.touch()
        return source, good, result.stdout if good else result.stdout + result.stderr

    bad = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for source, good, text in pool.map(check, work):
            name = os.path.relpath(source, root)
            print("ok  " if good else "FAIL", name, flush=True)
            if not good:
                print(text, flush=True)
                bad.append(name)
    print(f"{len(seen)} sources: {clean} unchanged since they were clean, {len(work)} checked, {len(bad)} with findings")
    if not seen:
        print("no sources in compile_commands.json")
        return 1
    for name in bad:
        print("findings in", name)
    return 1 if bad else 0


sys.exit(main())
