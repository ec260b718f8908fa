"""The size of the sealed cookie, beside the formats of WorkOS's other libraries."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from typing import Any

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from measuring import Limits
from sample import Sample, authentication, record

BROWSER_LIMIT = 4_096


def run(limits: Limits) -> None:
    print("Cookie value in bytes, the same session in each format (20 feature flags)")
    print(f"  {'permissions':<12}{'token':>8}{'Fe26.2':>8}{'Fernet':>8}{'ours':>8}{'share':>9}")
    sample = Sample()
    shares = {}
    for permissions in (0, 30, 60):
        answer = authentication(sample.client_id, permissions=permissions, flags=20)
        iron, fernet = len(_iron(_of_node(answer))), len(_fernet(answer))
        ours = len(sample.parts.store.seal(record(answer)))
        shares[permissions] = ours / iron
        fits = "" if ours <= BROWSER_LIMIT else "  too large for a browser"
        print(
            f"  {permissions:<12}{len(answer['access_token']):>8}{iron:>8}{fernet:>8}{ours:>8}"
            f"{ours / iron:>9.2f}{fits}"
        )
    limits.at_most("share of Fe26.2 at 30 permissions", shares[30], 0.5)


def _fernet(answer: dict[str, Any]) -> str:
    """workos-python's seal."""
    kept = {name: answer[name] for name in ("access_token", "refresh_token", "user")}
    return Fernet(Fernet.generate_key()).encrypt(json.dumps(kept).encode()).decode()


def _of_node(answer: dict[str, Any]) -> dict[str, Any]:
    """What authkit-nextjs and its siblings seal: the same in camel case."""
    user = {
        re.sub(r"_(\w)", lambda found: found[1].upper(), name): value
        for name, value in answer["user"].items()
    }
    return {
        "accessToken": answer["access_token"],
        "refreshToken": answer["refresh_token"],
        "user": user,
    }


def _iron(session: dict[str, Any]) -> str:
    """The seal of iron-session 8 and 9: ``Fe26.2*…~2``."""
    password = b"a password of more than 32 characters"
    salts = [os.urandom(32).hex() for _ in range(2)]
    keys = [hashlib.pbkdf2_hmac("sha1", password, salt.encode(), 1, 32) for salt in salts]
    iv = os.urandom(16)
    padder = PKCS7(128).padder()
    plaintext = json.dumps(session, separators=(",", ":")).encode()
    padded = padder.update(plaintext) + padder.finalize()
    cipher = Cipher(algorithms.AES(keys[0]), modes.CBC(iv)).encryptor()
    sealed = cipher.update(padded) + cipher.finalize()
    signed = f"Fe26.2*1*{salts[0]}*{_base64(iv)}*{_base64(sealed)}*"
    mac = hmac.digest(keys[1], signed.encode(), "sha256")
    return f"{signed}*{salts[1]}*{_base64(mac)}~2"


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
