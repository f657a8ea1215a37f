#!/usr/bin/env python3
"""Stands in for attestd's unlock.sock: gives each that connects a file's bytes.

usage: key.py SOCKET FILE LOG

The file is read anew for each; LOG gets the name that each has bound, a line each.
"""
import socket
import sys

path, answer, log = sys.argv[1:]
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(path)
server.listen()
while True:
    connection, peer = server.accept()
    with open(log, "a", encoding="utf-8") as lines:
        lines.write(peer.lstrip(b"\0").decode() + "\n")
    with connection, open(answer, "rb") as file:
        connection.sendall(file.read())
