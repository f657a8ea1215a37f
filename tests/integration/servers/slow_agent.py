#!/usr/bin/env python3
"""slow_agent.py SOCKET SECONDS: an agent that takes its time."""
import socketserver
import sys
import time

PATH, SECONDS = sys.argv[1], float(sys.argv[2])


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        self.request.recv(65536)
        time.sleep(SECONDS)
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        except OSError:
            pass


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


Server(PATH, Handler).serve_forever()
