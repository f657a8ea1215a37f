#!/usr/bin/env python3
"""Somebody between guest and broker who has even the broker's certificate, and meddles.

usage: between.py PORT CERTIFICATE KEY BROKER_PORT MODE [WORD...], on loopback

MODE: record FILE     forwards, and keeps the guest's attestation
      replay FILE     sends the evidence that was kept, in place of the guest's
      delay SECONDS   forwards the guest's attestation late
      run COMMAND...  runs a command before it forwards the attestation
      relay PORT      answers the guest with the evidence of another one, which asks at PORT
"""
import http.client
import http.server
import json
import pathlib
import ssl
import subprocess
import sys
import threading
import time

port, certificate, key, broker, mode, words = *sys.argv[1:4], int(sys.argv[4]), sys.argv[5], sys.argv[6:]
no_check = ssl._create_unverified_context()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
challenged, attested = threading.Event(), threading.Event()
kept = {}  # of the relay: the guest's challenge, the other one's attestation


def meddle(path, body):
    """What the broker gets of a request."""
    if path == "/kbs/v0/attest":
        if mode == "record":
            pathlib.Path(words[0]).write_bytes(body)
        if mode == "delay":
            time.sleep(float(words[0]))
        if mode == "run":
            subprocess.run(words, check=True)
        if mode in ("replay", "relay"):
            if mode == "relay":
                attested.wait()
            other = json.loads(pathlib.Path(words[0]).read_bytes() if mode == "replay" else kept["attestation"])
            body = json.dumps(json.loads(body) | {"tee-evidence": other["tee-evidence"]}).encode()
        print(mode, path, len(body), flush=True)
    return body


class Guest(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def forward(self):
        body = meddle(self.path, self.body())
        upstream = http.client.HTTPSConnection("127.0.0.1", broker, context=no_check)
        passed = ("content-type", "cookie", "authorization", "accept")
        headers = {name: value for name, value in self.headers.items() if name.lower() in passed}
        upstream.request(self.command, self.path, body or None, headers)
        response = upstream.getresponse()
        out = response.status, response.getheaders(), response.read()
        if self.path == "/kbs/v0/auth":
            kept["challenge"] = out
            challenged.set()
        self.answer(*out)

    do_GET = do_POST = forward

    def log_message(self, *_):
        pass


class Other(Guest):
    """The genuine guest, whose evidence is for the challenge that the other one got."""

    def forward(self):
        body = self.body()
        if self.path == "/kbs/v0/attest":
            kept["attestation"] = body
            attested.set()
            return self.answer(503, [], b"")
        challenged.wait()
        return self.answer(*kept["challenge"])

    do_GET = do_POST = forward


def serve(at, handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", at), handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if mode == "relay":
    threading.Thread(target=serve, args=(int(words[0]), Other), daemon=True).start()
serve(int(port), Guest)
