#!/usr/bin/env python3
"""key_file.py SOCKET ADDRESS OUT COMMAND...: asks a key file that is a socket, as systemd-cryptsetup does.

Starts COMMAND with SOCKET passed to it, as systemd does, connects from the abstract ADDRESS, and
writes what comes to OUT. Ends with 1 when nothing comes.
"""
import os
import socket
import sys

path, address, out, command = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen()
child = os.fork()
if child == 0:
    os.dup2(listener.fileno(), 3)
    os.set_inheritable(3, True)  # also where it was 3 before
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
    os.execv(command[0], command)
asking = socket.socket(socket.AF_UNIX)
asking.bind("\0" + address)
asking.settimeout(30)
asking.connect(path)
key = b""
while piece := asking.recv(4096):
    key += piece
os.waitpid(child, 0)
with open(out, "wb") as file:
    file.write(key)
sys.exit(0 if key else 1)
