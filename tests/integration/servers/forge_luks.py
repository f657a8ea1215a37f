#!/usr/bin/env python3
"""forge_luks.py DEVICE FROM TO: replaces text in both LUKS2 headers, and makes their checksums good again."""
import hashlib
import sys

device, old, new = sys.argv[1], sys.argv[2].encode(), sys.argv[3].encode()
with open(device, "r+b") as file:
    size = int.from_bytes(file.read(4096)[8:16], "big")
    for at in (0, size):
        file.seek(at)
        header = bytearray(file.read(size))
        text = bytes(header[4096:]).rstrip(b"\0")
        assert old in text
        header[4096:] = text.replace(old, new).ljust(size - 4096, b"\0")
        header[0x1C0:0x200] = bytes(64)
        header[0x1C0:0x1E0] = hashlib.sha256(header).digest()
        file.seek(at)
        file.write(header)
