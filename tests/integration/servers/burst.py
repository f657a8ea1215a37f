#!/usr/bin/env python3
"""Sends TLS records in a burst that ends as a deadline is over, then nothing, and says whether
the server hangs up.

usage: burst.py ADDRESS SECONDS body|handshake

SECONDS is the server's deadline. The exit status is 0 when all of several connections were
closed within twice that time.
"""
import socket
import ssl
import sys
import threading
import time

RECORDS = 20000
LEADS = [0.002, 0.005, 0.01, 0.02, 0.03]  # seconds before the deadline
HELLO_SIZE = 60000  # bytes


def closes(connection, by):
    connection.settimeout(max(by - time.monotonic(), 0.01))
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def body(server, seconds, lead):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    connection = socket.create_connection(server)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            connection.sendall(outgoing.read())
            incoming.write(connection.recv(65536))
    tls.write(b"POST /v1/evidence HTTP/1.1\r\nHost: vm\r\nContent-Length: 65000\r\n\r\n")
    connection.sendall(outgoing.read())
    began = time.monotonic()
    for _ in range(RECORDS):
        tls.write(b"x")
    burst = outgoing.read()
    time.sleep(max(began + seconds - lead - time.monotonic(), 0))
    return connection, burst, began


def handshake(server, seconds, lead):
    context = ssl.create_default_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="vm")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = outgoing.read()[9:]
    message = b"\x01" + HELLO_SIZE.to_bytes(3, "big") + hello + bytes(HELLO_SIZE - len(hello))
    # One record a byte (RFC 8446 section 5.1), the last ones withheld.
    burst = b"".join(b"\x16\x03\x01\x00\x01" + message[i:i + 1] for i in range(len(message) - 100))
    connection = socket.create_connection(server)
    began = time.monotonic()
    time.sleep(seconds - lead)
    return connection, burst, began


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    server, seconds, kind = (host, int(port)), float(sys.argv[2]), {"body": body, "handshake": handshake}[sys.argv[3]]
    closed = []

    def one(lead):
        connection, burst, began = kind(server, seconds, lead)
        try:
            connection.sendall(burst)
        except OSError:
            pass
        closed.append(closes(connection, began + 2 * seconds))

    threads = [threading.Thread(target=one, args=(lead,)) for lead in LEADS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{sum(closed)} of {len(closed)} connections were closed in time")
    return 0 if closed and all(closed) else 1


sys.exit(main())
