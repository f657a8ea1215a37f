#!/usr/bin/env python3
"""A DNS server (RFC 1035, RFC 2782) for a test's few names, over UDP.

usage: name_server.py LISTEN RECORD…

RECORD is NAME=ADDRESS (A), or NAME=PRIORITY,WEIGHT,PORT,TARGET (SRV). Other names do
not exist.
"""
import socket
import struct
import sys

A, SRV = 1, 33


def encode(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def main():
    records = {}
    for record in sys.argv[2:]:
        name, value = record.split("=", 1)
        if "," in value:
            priority, weight, port, target = value.split(",")
            data = struct.pack(">HHH", int(priority), int(weight), int(port)) + encode(target)
            records.setdefault((name, SRV), []).append(data)
        else:
            records.setdefault((name, A), []).append(socket.inet_aton(value))
    known = {name for name, _ in records}
    host, port = sys.argv[1].rsplit(":", 1)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((host, int(port)))
    while True:
        query, client = server.recvfrom(4096)
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        question = query[12:at + 5]
        name = ".".join(labels)
        found = records.get((name, kind), [])
        flags = 0x8580 if name in known else 0x8583
        answer = query[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0) + question
        for data in found:
            answer += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(data)) + data
        server.sendto(answer, client)


main()
