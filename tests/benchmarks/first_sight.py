"""The first request of a session in a process: opened, inspected, verified.

What nobody can save is measured beside it: AES-GCM, the JSON of the record and of the token's two
parts, and the verification of the signature, all with the libraries that we use.
"""

from __future__ import annotations

import base64
import itertools
import json
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from measuring import Case, Limits, line, medians, repeated
from sample import KEY, Sample, authentication, bare_app, environ, get

ROUNDS, NUMBER = 30, 40


def run(limits: Limits) -> None:
    print("First sight of a session in a process (10 permissions, 5 feature flags)")
    sample = Sample()
    # Each is sent once; one more round than is measured warms up.
    new = [environ(each) for each in sample.cookies((ROUNDS + 1) * NUMBER)]
    known = environ(sample.cookies(1)[0])
    cases: dict[str, Case] = {
        "bare": repeated(get(bare_app(), itertools.repeat(known))),
        "known": repeated(get(sample.app, itertools.repeat(known))),
        "first": repeated(get(sample.app, new)),
        "floor": _unavoidable(sample.client_id),
    }
    times = medians(cases, rounds=ROUNDS, number=NUMBER)
    line("AES-GCM, JSON and one RS256 verification by cryptography", times["floor"], "us")
    line("above bare Flask: a request of a known session", times["known"] - times["bare"], "us")
    line("above bare Flask: the first request of a session", times["first"] - times["bare"], "us")
    first = times["first"] - times["known"]
    line("what first sight adds", first, "us")
    limits.at_most("times what is unavoidable", first / times["floor"], 3)


def _unavoidable(client_id: str) -> Case:
    answer = authentication(client_id)
    plaintext = json.dumps(answer).encode()
    key, nonce = AESGCM(os.urandom(32)), os.urandom(12)
    sealed = key.encrypt(nonce, plaintext, b"name")
    signed, _, signature = answer["access_token"].rpartition(".")
    header, claims = map(_decoded, signed.split("."))
    signed_bytes, raw = signed.encode(), _decoded(signature)
    public = KEY.public_key()

    def least() -> None:
        json.loads(key.decrypt(nonce, sealed, b"name"))
        json.loads(header)
        json.loads(claims)
        public.verify(raw, signed_bytes, padding.PKCS1v15(), hashes.SHA256())

    return repeated(least)


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")
