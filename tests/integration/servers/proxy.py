#!/usr/bin/env python3
"""An HTTP proxy that knows CONNECT (RFC 9110 section 9.3.6), and logs whom it connects to.

usage: proxy.py LISTEN
"""
import socket
import socketserver
import sys

import tcp


class Proxy(socketserver.StreamRequestHandler):
    def handle(self):
        method, target, _ = self.rfile.readline().decode().split()
        while self.rfile.readline().strip():
            pass
        print(method, target, flush=True)
        upstream = socket.create_connection(tcp.address(target))
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        tcp.join(self.request, upstream)


tcp.Server(tcp.address(sys.argv[1]), Proxy).serve_forever()
