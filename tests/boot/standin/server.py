#!/usr/bin/env python3
"""A server of keys for the stand-in: server.py PORT key|refuse|empty|wrong|damage KEYFILE, on loopback."""
import http.server
import pathlib
import sys

port, mode, key_file = int(sys.argv[1]), sys.argv[2], sys.argv[3]
answers = {
    "key": (200, pathlib.Path(key_file).read_bytes()),
    "refuse": (403, b""),
    "empty": (200, b""),
    "wrong": (200, b"not the key"),
    "damage": (200, b"damage:"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = answers[mode]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
