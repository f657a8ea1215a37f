#!/usr/bin/env python3
"""An HTTP proxy that knows CONNECT (RFC 9110 section 9.3.6), and logs whom it connects to.

usage: proxy.py LISTEN
"""
import socket
import socketserver
import sys
import threading


def pass_on(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Proxy(socketserver.StreamRequestHandler):
    def handle(self):
        method, target, _ = self.rfile.readline().decode().split()
        while self.rfile.readline().strip():
            pass
        print(method, target, flush=True)
        host, port = target.rsplit(":", 1)
        upstream = socket.create_connection((host, int(port)))
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        forth = threading.Thread(target=pass_on, args=(self.request, upstream), daemon=True)
        forth.start()
        pass_on(upstream, self.request)
        forth.join(5)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


host, port = sys.argv[1].rsplit(":", 1)
Server((host, int(port)), Proxy).serve_forever()
