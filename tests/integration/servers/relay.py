#!/usr/bin/env python3
"""A man in the middle: terminates TLS and passes each request on to the genuine server.

usage: relay.py [--replay FILE | --forge FILE] [--tls1.2] LISTEN CERTIFICATE KEY [UPSTREAM]

LISTEN and UPSTREAM are ADDRESS:PORT. With --replay every request gets FILE, a bundle
that was recorded earlier, with --forge one whose statement he rewrote for the nonce and the
key of this connection; with UPSTREAM "hang" none gets anything.
"""
import argparse
import base64
import hashlib
import json
import pathlib
import socket
import socketserver
import ssl
import subprocess
import time

import tcp


def read_message(peer):
    """A request or a response with a Content-Length; empty when the peer has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = peer.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        more = peer.recv(65536)
        if not more:
            return b""
        body += more
        data += more
    return data


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(options, request):
    bundle = json.loads(options.forge.read_bytes())
    statement = json.loads(decode(bundle["statement"][1]))
    statement["nonce"] = json.loads(request.partition(b"\r\n\r\n")[2])["nonce"]
    key = subprocess.run(["openssl", "pkey", "-in", options.key, "-pubout", "-outform", "DER"], check=True,
                         capture_output=True).stdout
    statement["channel"]["tls_spki_sha256"] = encode(hashlib.sha256(key).digest())
    statement["purpose"] = json.loads(request.partition(b"\r\n\r\n")[2])["purpose"]
    bundle["statement"][1] = encode(json.dumps(statement).encode())
    return json.dumps(bundle).encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replay", type=pathlib.Path)
    parser.add_argument("--forge", type=pathlib.Path)
    parser.add_argument("--tls1.2", dest="old", action="store_true")
    parser.add_argument("listen", type=tcp.address)
    parser.add_argument("certificate")
    parser.add_argument("key")
    parser.add_argument("upstream", nargs="?", default="")
    options = parser.parse_args()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(options.certificate, options.key)
    if options.old:
        server_side.maximum_version = ssl.TLSVersion.TLSv1_2
    client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_side.check_hostname = False
    client_side.verify_mode = ssl.CERT_NONE

    class Relay(socketserver.BaseRequestHandler):
        def handle(self):
            try:
                client = server_side.wrap_socket(self.request, server_side=True)
            except OSError:
                return
            if options.replay or options.forge:
                request = read_message(client)
                body = options.replay.read_bytes() if options.replay else forge(options, request)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/cmw+json\r\n"
                               b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
                client.unwrap()
                return
            if options.upstream == "hang":
                time.sleep(600)
                return
            genuine = client_side.wrap_socket(socket.create_connection(tcp.address(options.upstream)))
            while request := read_message(client):
                genuine.sendall(request)
                client.sendall(read_message(genuine))

    tcp.Server(options.listen, Relay).serve_forever()


main()
