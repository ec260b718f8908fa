"""Base64url without padding (RFC 4648, section 5), in exactly one spelling for each value.

Python's own decoder skips foreign characters and ignores spare bits, so that one value would
have many spellings; a memo of opened cookies would keep each of them.
"""

from __future__ import annotations

import binascii

_STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_URL_SAFE = _STANDARD[:-2] + b"-_"
_TO_URL_SAFE = bytes.maketrans(_STANDARD, _URL_SAFE)
_TO_STANDARD = bytes.maketrans(_URL_SAFE, _STANDARD)


def encode(*parts: bytes) -> str:
    """Every part in base64url, with dots between them."""
    spelt = b".".join([binascii.b2a_base64(part, newline=False) for part in parts])
    return spelt.translate(_TO_URL_SAFE, b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of one part.

    :raises ValueError: unless it is spelt exactly as :func:`encode` spells it.
    """
    spelt = text.encode("ascii")
    if spelt.translate(None, _URL_SAFE):
        raise ValueError("not base64url")
    raw = binascii.a2b_base64(spelt.translate(_TO_STANDARD) + b"=" * (-len(spelt) % 4))
    spare = len(raw) % 3
    if spare and encode(raw[-spare:]) != text[-spare - 1 :]:
        raise ValueError("not base64url as it should be spelt")
    return raw
