#!/usr/bin/python3
"""kbs_crowd.py OPTION...: many guests at once, who ask several brokers, of which some die and come back.

Each attests, asks for its secret some times, answers its challenge once more to the other broker, and asks for what
it may not have. Prints {"released", "attested", "replays_refused", "denied", "wrong"} as JSON; ends with 1 when
something happened that must not.
"""
import argparse
import base64
import http.client
import json
import random
import ssl
import threading
import time

from jwcrypto import jwe, jwk

import kbs_guest


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", action="append", required=True)
    parser.add_argument("--ca-file", required=True)
    parser.add_argument("--agent", required=True)
    parser.add_argument("--releases", type=int, required=True)
    parser.add_argument("--each", type=int, default=10, help="releases for one attestation")
    parser.add_argument("--guests", type=int, default=8)
    parser.add_argument("--forbidden", required=True, help="resource that no policy of ours allows")
    parser.add_argument("--log", required=True, help="file: what was released, a challenge in hex a line")
    parser.add_argument("resource")
    options = parser.parse_args()
    lock = threading.Lock()
    counts = dict.fromkeys(("released", "attested", "replays_refused", "denied", "wrong"), 0)
    log = open(options.log, "w")
    deadline = time.monotonic() + 400

    def count(name, number=1):
        with lock:
            counts[name] += number

    def broker_of(url):
        picked = argparse.Namespace(broker=url, ca_file=options.ca_file)
        return kbs_guest.Broker(picked)

    def exchange():
        first, second = random.sample(options.broker, 2)
        broker = broker_of(first)
        request = {"version": "0.4.0", "tee": "snp", "extra-params": ""}
        challenge = broker.ask("POST", "/kbs/v0/auth", json.dumps(request))
        nonce = base64.b64decode(challenge["nonce"])
        key = jwk.JWK.generate(kty="EC", crv="P-256")
        public = json.loads(key.export_public())
        tee_pubkey = {name: public[name] for name in ("kty", "crv", "x", "y")} | {"alg": "ECDH-ES+A256KW"}
        thumbprint = base64.urlsafe_b64decode(key.thumbprint() + "==")
        ask = {
            "nonce": kbs_guest.b64url(nonce),
            "purpose": "unlock",
            "unlock": {"jkt": kbs_guest.b64url(thumbprint)},
        }
        evidence = {"primary_evidence": json.loads(kbs_guest.evidence_of(options, ask)), "additional_evidence": ""}
        runtime = {"nonce": challenge["nonce"], "tee-pubkey": tee_pubkey}
        body = json.dumps({"init-data": None, "runtime-data": runtime, "tee-evidence": evidence})
        cookies = dict(broker.cookies)
        # Any replica finishes what another began.
        other = broker_of(second)
        other.cookies = dict(cookies)
        other.ask("POST", "/kbs/v0/attest", body)
        count("attested")
        replay = broker_of(first)
        replay.cookies = dict(cookies)
        try:
            replay.ask("POST", "/kbs/v0/attest", body)
            count("wrong")
            print("a challenge was taken twice", flush=True)
        except kbs_guest.Refused as refused:
            if "was answered before" in str(refused):
                count("replays_refused")
            else:
                print("a replay was refused otherwise:", refused, flush=True)
        for _ in range(options.each):
            response = other.ask("GET", "/kbs/v0/resource/" + options.resource)
            opened = jwe.JWE(algs=["ECDH-ES+A256KW", "A256GCM"])
            opened.deserialize(json.dumps(response), key)
            with lock:
                log.write(nonce.hex() + "\n")
                log.flush()
                counts["released"] += 1
        try:
            other.ask("GET", "/kbs/v0/resource/" + options.forbidden)
            count("wrong")
            print("a secret was released against its policy", flush=True)
        except kbs_guest.Refused as refused:
            if "PolicyDeny" in str(refused):
                count("denied")

    def guest():
        while counts["released"] < options.releases and time.monotonic() < deadline:
            try:
                exchange()
            except (OSError, http.client.HTTPException, ssl.SSLError, kbs_guest.Refused):
                # A broker that dies takes its connections with it; who asks asks again.
                time.sleep(0.05)

    threads = [threading.Thread(target=guest) for _ in range(options.guests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(counts), flush=True)
    return 1 if counts["wrong"] or counts["released"] < options.releases else 0


if __name__ == "__main__":
    raise SystemExit(main())
