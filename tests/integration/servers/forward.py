#!/usr/bin/env python3
"""Passes TCP connections on, byte for byte.

usage: forward.py LISTEN UPSTREAM
"""
import socket
import socketserver
import sys

import tcp


class Forward(socketserver.BaseRequestHandler):
    def handle(self):
        tcp.join(self.request, socket.create_connection(tcp.address(sys.argv[2])))


tcp.Server(tcp.address(sys.argv[1]), Forward).serve_forever()
