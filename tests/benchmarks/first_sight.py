"""The first sight of a session in a process: opened, inspected, verified.

What nobody can save is measured beside it: AES-GCM with a key of its own for each value (the salt
that security C2 asks for, and so one HKDF), the JSON of the record and of the token's two parts,
and the verification of the signature, all with the libraries that we use. The figure without the
HKDF is printed too. Both take a new
session in each run. What a first request costs above a later one is printed too: the work of the
request itself is then slower as well, because what it needs has left the processor's caches.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from measuring import Case, Limits, line, medians, repeated
from sample import KEY, Sample, authentication, bare_app, environ, get

ROUNDS, NUMBER = 30, 40
#: Sessions that the process has seen before.
KNOWN = 400


def run(limits: Limits) -> None:
    print("First sight of a session in a process (10 permissions, 5 feature flags)")
    # Each is used once; one more round than is measured warms up.
    count = (ROUNDS + 1) * NUMBER
    first = Sample()
    sight = _each(first.parts.reader.read, (_value(each) for each in first.cookies(count)))
    client_id = first.client_id
    cases: dict[str, Case] = {
        "first": repeated(sight),
        "floor": repeated(_each(_unavoidable(True), (_sealed(client_id) for _ in range(count)))),
        "bare": repeated(_each(_unavoidable(False), (_sealed(client_id) for _ in range(count)))),
    }
    times = medians(cases, rounds=ROUNDS, number=NUMBER)
    line("AES-GCM, JSON and one RS256 verification by cryptography", times["floor"], "us")
    line("a session from its cookie, verified", times["first"], "us")
    limits.at_most("times what is unavoidable", times["first"] / times["floor"], 3)
    line("the same, with one AES key for all values", times["first"] / times["bare"], "x")
    _requests(count)


def _requests(count: int) -> None:
    sample = Sample()
    new = [environ(each) for each in sample.cookies(count)]
    known = [environ(each) for each in sample.cookies(KNOWN)]
    warming = get(sample.app, known)
    for _ in known:
        warming()
    cases: dict[str, Case] = {
        "bare": repeated(get(bare_app(), itertools.cycle(new))),
        "known": repeated(get(sample.app, itertools.cycle(known))),
        "first": repeated(get(sample.app, new)),
    }
    times = medians(cases, rounds=ROUNDS, number=NUMBER)
    line("above bare Flask: a request of a known session", times["known"] - times["bare"], "us")
    line("above bare Flask: the first request of a session", times["first"] - times["bare"], "us")


def _each(do: Callable[[Any], object], things: Iterable[Any]) -> Callable[[], None]:
    coming: Iterator[Any] = iter(list(things))

    def run() -> None:
        assert do(next(coming)) is not None

    return run


def _value(cookie: str) -> str:
    return cookie.partition("=")[2]


_SECRET = os.urandom(48)
_AES = AESGCM(os.urandom(32))

Sealed = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes]


def _key(salt: bytes) -> tuple[AESGCM, bytes]:
    material = HKDF(hashes.SHA256(), 44, salt, b"purpose").derive(_SECRET)
    return AESGCM(material[:32]), material[32:]


def _sealed(client_id: str) -> Sealed:
    answer = authentication(client_id)
    salt = os.urandom(16)
    signed, _, signature = answer["access_token"].rpartition(".")
    header, claims = map(_decoded, signed.split("."))
    plaintext = json.dumps(answer).encode()
    cipher, nonce = _key(salt)
    own = cipher.encrypt(nonce, plaintext, b"name")
    common = _AES.encrypt(salt[:12], plaintext, b"name")
    return salt, own, common, header, claims, signed.encode(), _decoded(signature)


def _unavoidable(own_key: bool) -> Callable[[Sealed], object]:
    public = KEY.public_key()
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()

    def least(sealed: Sealed) -> object:
        salt, own, common, header, claims, signed, signature = sealed
        if own_key:
            cipher, nonce = _key(salt)
            session = json.loads(cipher.decrypt(nonce, own, b"name"))
        else:
            session = json.loads(_AES.decrypt(salt[:12], common, b"name"))
        json.loads(header)
        json.loads(claims)
        public.verify(signature, signed, scheme, digest)
        return session

    return least


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")
