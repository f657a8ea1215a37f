#!/usr/bin/env python3
"""Passes TCP connections on, byte for byte.

usage: forward.py LISTEN UPSTREAM
"""
import socket
import socketserver
import sys
import threading


def address(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)


def pass_on(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Forward(socketserver.BaseRequestHandler):
    def handle(self):
        upstream = socket.create_connection(address(sys.argv[2]))
        forth = threading.Thread(target=pass_on, args=(self.request, upstream), daemon=True)
        forth.start()
        pass_on(upstream, self.request)
        forth.join(5)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(address(sys.argv[1]), Forward).serve_forever()
