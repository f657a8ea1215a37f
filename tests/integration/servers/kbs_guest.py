#!/usr/bin/python3
"""A guest of the KBS protocol that shares no code with ours.

kbs_guest.py OPTION... RESOURCE: attests with evidence of the agent behind a socket, and prints
the secret; or the status and body of what refused it, and ends with 1.
"""
import argparse
import base64
import hashlib
import http.client
import json
import os
import socket
import ssl
import sys
import time
import uuid

from jwcrypto import jwe, jwk


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Local(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Refused(Exception):
    pass


class Broker:
    def __init__(self, options):
        host, port = options.broker.removeprefix("https://").rsplit(":", 1)
        context = ssl.create_default_context(cafile=options.ca_file)
        self.connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=60)
        self.cookies = {}

    def ask(self, method, path, body=None, headers=None):
        headers = dict(headers or {})
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                pair = value.split(";")[0]
                self.cookies[pair.split("=", 1)[0]] = pair.split("=", 1)[1]
        if answer.status != 200:
            raise Refused(f"{answer.status} {text.decode()}")
        return json.loads(text)


def evidence_of(options, request):
    agent = Local(options.agent)
    agent.request("POST", "/v1/evidence", json.dumps(request), {"Content-Type": "application/json"})
    answer = agent.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"the agent answered {answer.status}: {text.decode()}")
    return text.decode()


def member(parts, name):
    return base64.urlsafe_b64decode(parts[name][1] + "==")


CERTIFICATES = {
    "63da758d-e664-4564-adc5-f4b93be8accd": "VCEK",
    "4ab7b379-bbac-4fe4-a02f-05aef327c782": "ASK",
    "c0b406a4-a803-4952-9743-3fb6014cd0ae": "ARK",
}


def table_as_json(table):
    """The host's table of certificates (AMD 56421 section 4.1.8.1) as the sev crate writes it."""
    entries, at = [], 0
    while any(table[at : at + 24]):
        kind = CERTIFICATES.get(str(uuid.UUID(bytes=table[at : at + 16])))
        offset, length = (int.from_bytes(table[at + i : at + i + 4], "little") for i in (16, 20))
        if kind:
            entries.append({"cert_type": kind, "data": list(table[offset : offset + length])})
        at += 24
    return entries


def trustee_evidence(folder, report_data):
    """What Trustee's SNP attester gives, by configfs-tsm in `folder`."""
    entry = os.path.join(folder, f"kbs_guest-{os.getpid()}")
    os.mkdir(entry)
    try:
        with open(entry + "/inblob", "wb") as inblob:
            inblob.write(report_data)
        read = lambda name: open(entry + "/" + name, "rb").read()
        return {"attestation_report": report_as_json(read("outblob")), "cert_chain": table_as_json(read("auxblob"))}
    finally:
        os.rmdir(entry)


def report_as_json(report):
    """An SNP report as the sev crate (before 6.0) writes it, member by member as it lies in memory."""
    number = lambda at, size: int.from_bytes(report[at : at + size], "little")
    octets = lambda at, size: list(report[at : at + size])

    def tcb(at):
        return {
            "bootloader": report[at],
            "tee": report[at + 1],
            "_reserved": octets(at + 2, 4),
            "snp": report[at + 6],
            "microcode": report[at + 7],
        }

    return {
        "version": number(0, 4),
        "guest_svn": number(4, 4),
        "policy": number(8, 8),
        "family_id": octets(0x10, 16),
        "image_id": octets(0x20, 16),
        "vmpl": number(0x30, 4),
        "sig_algo": number(0x34, 4),
        "current_tcb": tcb(0x38),
        "plat_info": number(0x40, 8),
        "_author_key_en": number(0x48, 4),
        "_reserved_0": number(0x4C, 4),
        "report_data": octets(0x50, 64),
        "measurement": octets(0x90, 48),
        "host_data": octets(0xC0, 32),
        "id_key_digest": octets(0xE0, 48),
        "author_key_digest": octets(0x110, 48),
        "report_id": octets(0x140, 32),
        "report_id_ma": octets(0x160, 32),
        "reported_tcb": tcb(0x180),
        "_reserved_1": octets(0x188, 24),
        "chip_id": octets(0x1A0, 64),
        "committed_tcb": tcb(0x1E0),
        "current_build": report[0x1E8],
        "current_minor": report[0x1E9],
        "current_major": report[0x1EA],
        "_reserved_2": report[0x1EB],
        "committed_build": report[0x1EC],
        "committed_minor": report[0x1ED],
        "committed_major": report[0x1EE],
        "_reserved_3": report[0x1EF],
        "launch_tcb": tcb(0x1F0),
        "_reserved_4": octets(0x1F8, 168),
        "signature": {"r": octets(0x2A0, 72), "s": octets(0x2E8, 72), "_reserved": octets(0x330, 368)},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--ca-file", required=True)
    parser.add_argument("--agent", required=True)
    parser.add_argument("--version", default="0.4.0")
    parser.add_argument("--tee", default="snp")
    parser.add_argument("--selector")
    parser.add_argument("--volume")
    parser.add_argument("--header", help="hex")
    parser.add_argument("--counter", type=int)
    parser.add_argument("--bearer", action="store_true", help="the token, not the cookie")
    parser.add_argument("--enrol", help="token")
    parser.add_argument("--rotate", nargs=2, metavar=("TOKEN", "KEY"), help="the key as text")
    parser.add_argument("--next-header", help="hex")
    parser.add_argument("--rsa", action="store_true")
    parser.add_argument("--wait", type=float, default=0, help="seconds between challenge and answer")
    parser.add_argument("--linger", type=float, default=0, help="seconds between token and request")
    parser.add_argument("--twice", action="store_true", help="answer the challenge twice")
    parser.add_argument("--tsm", help="folder of configfs-tsm: evidence as Trustee's attester makes it")
    parser.add_argument("--bundle", help="file: this evidence, not fresh one")
    parser.add_argument("--save", help="file: keep the evidence")
    parser.add_argument("--other-key", action="store_true", help="name another key than the evidence does")
    parser.add_argument("--no-unlock", action="store_true", help="evidence that names no key")
    parser.add_argument("--purpose", default="unlock")
    parser.add_argument("--token-only", action="store_true")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("resource")
    options = parser.parse_args()

    broker = Broker(options)
    request = {"version": options.version, "tee": options.tee, "extra-params": ""}
    if options.selector:
        request["extra-params"] = {"attestation-policy-selector": options.selector}
    challenge = broker.ask("POST", "/kbs/v0/auth", json.dumps(request))
    nonce = base64.b64decode(challenge["nonce"], validate=True)
    assert len(nonce) == 32

    def make_key():
        if options.rsa:
            return jwk.JWK.generate(kty="RSA", size=2048), "RSA-OAEP-256"
        return jwk.JWK.generate(kty="EC", crv="P-256"), "ECDH-ES+A256KW"

    key, algorithm = make_key()
    public = json.loads(key.export_public())
    named = make_key()[0] if options.other_key else key
    thumbprint = base64.urlsafe_b64decode(named.thumbprint() + "==")
    ask = {"nonce": b64url(nonce), "purpose": options.purpose}
    if not options.no_unlock and options.purpose == "unlock":
        ask["unlock"] = {"jkt": b64url(thumbprint)}
        if options.volume:
            ask["unlock"]["volume"] = {"uuid": options.volume, "header_sha256": b64url(bytes.fromhex(options.header))}
            if options.counter is not None:
                ask["unlock"]["volume"]["counter"] = options.counter
    names = ("kty", "n", "e") if options.rsa else ("kty", "crv", "x", "y")
    tee_pubkey = {name: public[name] for name in names} | {"alg": algorithm}
    if options.tsm:
        runtime = {"additional-evidence": "", "nonce": challenge["nonce"], "tee-pubkey": tee_pubkey}
        if options.other_key:
            runtime["tee-pubkey"] = tee_pubkey | {"x": tee_pubkey["y"]}
        text = json.dumps(runtime, sort_keys=True, separators=(",", ":"))
        bundle = json.dumps(trustee_evidence(options.tsm, hashlib.sha384(text.encode()).digest() + bytes(16)))
    elif options.bundle:
        bundle = open(options.bundle).read()
    else:
        bundle = evidence_of(options, ask)
    if options.save:
        open(options.save, "w").write(bundle)
    attestation = {
        "init-data": None,
        "runtime-data": {"nonce": challenge["nonce"], "tee-pubkey": tee_pubkey},
        "tee-evidence": {"primary_evidence": json.loads(bundle), "additional_evidence": ""},
    }
    if options.version != "0.4.0":
        attestation = {"tee-pubkey": tee_pubkey, "tee-evidence": attestation["tee-evidence"]}
    time.sleep(options.wait)
    cookies = dict(broker.cookies)
    token = broker.ask("POST", "/kbs/v0/attest", json.dumps(attestation))["token"]
    if options.twice:
        broker.cookies = cookies
        broker.ask("POST", "/kbs/v0/attest", json.dumps(attestation))
    if options.token_only:
        print(token)
        return
    headers = {}
    if options.bearer:
        broker.cookies = {}
        headers["Authorization"] = "Bearer " + token
    time.sleep(options.linger)
    if options.next_header:
        body = {"resource": options.resource, "next_header_sha256": b64url(bytes.fromhex(options.next_header))}
        broker.ask("POST", "/v1/volume-header", json.dumps(body), headers)
        return
    if options.rotate:
        body = {"resource": options.resource, "token": options.rotate[0], "key": b64url(options.rotate[1].encode())}
        broker.ask("POST", "/v1/rotation", json.dumps(body), headers)
        return
    for _ in range(options.count):
        if options.enrol:
            body = json.dumps({"resource": options.resource, "token": options.enrol})
            response = broker.ask("POST", "/v1/enrolment", body, headers)
        else:
            response = broker.ask("GET", "/kbs/v0/resource/" + options.resource, None, headers)
        assert set(response) == {"protected", "encrypted_key", "iv", "ciphertext", "tag"}, response
        # As Trustee's guest makes the associated data: from the members, put together again.
        header = json.loads(base64.urlsafe_b64decode(response["protected"] + "=="))
        again = {"alg": header.pop("alg"), "enc": header.pop("enc")} | dict(sorted(header.items()))
        assert b64url(json.dumps(again, separators=(",", ":")).encode()) == response["protected"]
        opened = jwe.JWE(algs=["ECDH-ES+A256KW", "RSA-OAEP-256", "A256GCM"])
        opened.deserialize(json.dumps(response), key)
    sys.stdout.buffer.write(opened.payload)


if __name__ == "__main__":
    try:
        main()
    except Refused as refusal:
        print(refusal)
        sys.exit(1)
