#!/usr/bin/env python3
"""memory.py MONITOR FILE MEGABYTES NAME=HEX...: stops the machine behind QEMU's monitor, keeps its memory in
FILE, and says how often each byte string is in it, and where at first."""
import mmap
import socket
import sys

monitor, path, megabytes = sys.argv[1], sys.argv[2], int(sys.argv[3])
connection = socket.socket(socket.AF_UNIX)
connection.connect(monitor)
answers = connection.makefile("rb")


def tell(command):
    connection.sendall(command.encode() + b"\n")


def prompt():
    text = b""
    while not text.endswith(b"(qemu) "):
        text += answers.read(1)


prompt()
for command in ("stop", f'pmemsave 0 {megabytes << 20} "{path}"'):
    tell(command)
    prompt()

with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
    for word in sys.argv[4:]:
        name, _, hexadecimal = word.partition("=")
        needle = bytes.fromhex(hexadecimal)
        found, at = [], memory.find(needle)
        while at >= 0:
            found.append(at)
            at = memory.find(needle, at + 1)
        print(name, len(found), *(hex(at) for at in found[:4]))
