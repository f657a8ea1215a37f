#!/usr/bin/env python3
"""Abuses an HTTPS server on loopback in one way, for a time: bench/abuse measures what others feel.

usage: abuser.py PORT SECONDS KIND

KINDs: slow-headers, slow-bodies, idle, half-open, oversized, garbage, resets, flood. Prints how
many connections it made. Addresses are 127.1.0.1 and on; flood has one alone.
"""
import asyncio
import os
import random
import socket
import ssl
import struct
import sys

PATIENCE = 20  # seconds for a handshake
IDLE_CONNECTIONS = 10000

port, seconds, kind = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
made = 0


def context():
    out = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    out.check_hostname = False
    out.verify_mode = ssl.CERT_NONE
    return out


CONTEXT = context()


def address(number):
    return f"127.1.{number // 250 % 250}.{number % 250 + 1}"


async def connect(number, tls=True):
    global made
    reader, writer = await asyncio.wait_for(
        asyncio.open_connection("127.0.0.1", port, ssl=CONTEXT if tls else None, local_addr=(address(number), 0)),
        PATIENCE)
    made += 1
    return reader, writer


def request(body_size, body=b""):
    return (b"POST /v1/evidence HTTP/1.1\r\nHost: vm\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % body_size) + body


async def slow_headers(number):
    _, writer = await connect(number)
    writer.write(b"GET /v1/status HTTP/1.1\r\n")
    while True:
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.5)


async def slow_bodies(number):
    _, writer = await connect(number)
    writer.write(request(10000))
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.5)


async def idle(number):
    reader, _ = await connect(number, tls=False)
    await reader.read()


async def half_open(number):
    reader, writer = await connect(number, tls=False)
    writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    await reader.read()


async def oversized(number):
    _, writer = await connect(number)
    for piece in random.choice(([b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n"],
                                [b"GET / HTTP/1.1\r\nX: " + b"b" * 60000 + b"\r\n\r\n"],
                                [request(10 ** 9)] + [b"c" * 65536] * 20)):
        writer.write(piece)
        await writer.drain()
    writer.close()


async def garbage(number):
    reader, writer = await connect(number)
    writer.write((b"GET /v1/status HTTP/1.1\r\nHost: vm\r\n\r\n" * 20) + os.urandom(20000))
    await writer.drain()
    await asyncio.wait_for(reader.read(), 5)
    writer.close()


async def resets(number):
    tls = number % 2 == 0
    _, writer = await connect(number, tls=tls)
    writer.write(request(100, b"{") if tls else b"\x16\x03\x01")
    await writer.drain()
    plain = writer.get_extra_info("socket")
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def flood(_number):
    reader, writer = await connect(0)
    nonce = b'{"nonce":"AAAAAAAAAAAAAAAAAAAAAA"}'
    while True:
        writer.write(request(len(nonce), nonce))
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        await reader.readexactly(size)


async def again_and_again(abuse, number, pause):
    while True:
        try:
            await abuse(number)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, IndexError):
            pass
        await asyncio.sleep(pause)


async def main():
    abuse, many, pause = {"slow-headers": (slow_headers, 600, 0.5), "slow-bodies": (slow_bodies, 600, 0.5),
                          "idle": (idle, IDLE_CONNECTIONS, 1), "half-open": (half_open, 2000, 0.5),
                          "oversized": (oversized, 20, 0.1), "garbage": (garbage, 20, 0.1),
                          "resets": (resets, 40, 0.1), "flood": (flood, 250, 0.1)}[kind]
    tasks = [asyncio.create_task(again_and_again(abuse, number, pause)) for number in range(many)]
    await asyncio.sleep(seconds)
    print(made, flush=True)
    for task in tasks:
        task.cancel()
    os._exit(0)


asyncio.run(main())
