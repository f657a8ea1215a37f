#!/usr/bin/env python3
"""nonsense.py PORT CERTIFICATE KEY KIND: a relying party that goes wrong at one step.

KIND: html (no JSON), empty, challenge (no nonce), token (no token), jwe (no secret).
"""
import base64
import http.server
import json
import ssl
import sys

PORT, CERTIFICATE, KEY, KIND = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
GOOD = {
    "/kbs/v0/auth": json.dumps({"nonce": base64.b64encode(bytes(32)).decode(), "extra-params": ""}),
    "/kbs/v0/attest": json.dumps({"token": "a.b.c"}),
}
BAD = {"html": "<html>hello</html>", "empty": "", "challenge": '{"nonce":"AA==","extra-params":""}'}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        text = BAD.get(KIND, GOOD.get(self.path, '{"protected":"e30"}'))
        if KIND == "token" and self.path == "/kbs/v0/attest":
            text = "[]"
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *arguments):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
