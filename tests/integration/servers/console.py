#!/usr/bin/env python3
"""Somebody at a console: console.py ANSWERS COMMAND...

Runs the command with "--console TERMINAL" behind it, and answers each question there (what ends in
": ") by the next line of the file ANSWERS. What was seen on the terminal goes to ANSWERS.seen. The
status is the command's.
"""
import os
import pathlib
import select
import subprocess
import sys

answers = pathlib.Path(sys.argv[1]).read_bytes().splitlines()
master, slave = os.openpty()
command = subprocess.Popen([*sys.argv[2:], "--console", os.ttyname(slave)])
seen, asked = b"", 0
while command.poll() is None:
    if select.select([master], [], [], 0.1)[0]:
        seen += os.read(master, 4096)
    while asked < seen.count(b": ") and answers:
        asked += 1
        os.write(master, answers.pop(0) + b"\n")
while select.select([master], [], [], 0.1)[0]:
    seen += os.read(master, 4096)
pathlib.Path(sys.argv[1] + ".seen").write_bytes(seen)
sys.exit(command.returncode)
