"""The first request of a session in a process: opened, inspected, verified.

What nobody can save is measured beside it: AES-GCM, the JSON of the record and of the token's two
parts, and the verification of the signature, all with the libraries that we use, before a request
of bare Flask: between two sessions comes the work of a request, in both cases.
"""

from __future__ import annotations

import base64
import itertools
import json
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask
from measuring import Case, Limits, line, medians, repeated
from sample import KEY, Sample, authentication, bare_app, environ, get

ROUNDS, NUMBER = 30, 40


def run(limits: Limits) -> None:
    print("First sight of a session in a process (10 permissions, 5 feature flags)")
    sample = Sample()
    # Each is sent once; one more round than is measured warms up.
    count = (ROUNDS + 1) * NUMBER
    new = [environ(each) for each in sample.cookies(count)]
    known = environ(sample.cookies(1)[0])
    cases: dict[str, Case] = {
        "bare": repeated(get(bare_app(), itertools.repeat(known))),
        "known": repeated(get(sample.app, itertools.repeat(known))),
        "first": repeated(get(sample.app, new)),
        "floor": repeated(get(_unavoidable(sample.client_id, count), itertools.repeat(known))),
    }
    times = medians(cases, rounds=ROUNDS, number=NUMBER)
    floor = times["floor"] - times["bare"]
    line("AES-GCM, JSON and one RS256 verification by cryptography", floor, "us")
    line("above bare Flask: a request of a known session", times["known"] - times["bare"], "us")
    line("above bare Flask: the first request of a session", times["first"] - times["bare"], "us")
    first = times["first"] - times["known"]
    line("what first sight adds", first, "us")
    limits.at_most("times what is unavoidable", first / floor, 3)


def _unavoidable(client_id: str, count: int) -> Flask:
    """An app that does it for so many different sessions, once each."""
    key, public = AESGCM(os.urandom(32)), KEY.public_key()
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()

    def sealed() -> tuple[bytes, bytes, bytes, bytes, bytes, bytes]:
        answer = authentication(client_id)
        nonce = os.urandom(12)
        signed, _, signature = answer["access_token"].rpartition(".")
        header, claims = map(_decoded, signed.split("."))
        plaintext = json.dumps(answer).encode()
        value = key.encrypt(nonce, plaintext, b"name")
        return nonce, value, header, claims, signed.encode(), _decoded(signature)

    coming = iter([sealed() for _ in range(count)])

    app = bare_app()

    @app.before_request
    def least() -> None:
        nonce, value, header, claims, signed, signature = next(coming)
        json.loads(key.decrypt(nonce, value, b"name"))
        json.loads(header)
        json.loads(claims)
        public.verify(signature, signed, scheme, digest)

    return app


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")
