"""Sealing: bytes in, a cookie value out that nobody else can read or change."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import base64url
from .keys import KEY_ID_SIZE, KeyRing, derive

#: The first byte of a sealed value.
VERSION = 1
#: Characters of the longest value that is looked at.
MAX_LENGTH = 8192

_SALT_SIZE = 16
_KEY_SIZE = 32
_NONCE_SIZE = 12
_HEADER_SIZE = 1 + KEY_ID_SIZE + _SALT_SIZE
_TAG_SIZE = 16


class Sealer:
    """Seals bytes for one purpose of one WorkOS application (security C2).

    AES-256-GCM. Key and nonce are derived from the password and a random salt, fresh for every
    value, so that no nonce is ever used twice. Version, purpose, name and client id are
    associated data: a value opens only as what it was sealed for.

    ``version | key id | salt | ciphertext and tag``, in URL-safe base64 without padding.

    :param longest: characters of the longest value that is looked at.
    """

    def __init__(
        self, keys: KeyRing, *, purpose: str, client_id: str, longest: int = MAX_LENGTH
    ) -> None:
        self._longest = longest
        self._keys = keys
        self._info = b"seal " + purpose.encode()
        self._bound = bytes([VERSION]) + _framed(purpose.encode()) + _framed(client_id.encode())

    def seal(self, plaintext: bytes, *, name: str, also: bytes = b"") -> str:
        """Seal ``plaintext`` as the value of the cookie ``name``.

        :param also: another secret, without which the value does not open either.
        """
        return self._seal(*self._keys.all[0], plaintext, name, also)

    def seal_all(self, plaintext: bytes, *, name: str) -> list[str]:
        """Seal ``plaintext`` under every password: whoever has one of them can open one of these,
        also when the password is changed."""
        return [self._seal(key_id, secret, plaintext, name) for key_id, secret in self._keys.all]

    def _seal(
        self, key_id: bytes, secret: bytes, plaintext: bytes, name: str, also: bytes = b""
    ) -> str:
        salt = os.urandom(_SALT_SIZE)
        cipher, nonce = self._cipher(also + secret, salt)
        sealed = cipher.encrypt(nonce, plaintext, self._associated(name))
        return base64url.encode(bytes([VERSION]) + key_id + salt + sealed)

    def open(self, value: str, *, name: str, also: bytes = b"") -> bytes | None:
        """What was sealed as ``name``, or ``None`` if we did not seal this. Raises nothing."""
        if len(value) > self._longest:
            return None
        try:
            raw = base64url.decode(value)
            if raw[0] != VERSION or len(raw) < _HEADER_SIZE + _TAG_SIZE:
                return None
            secret = self._keys.secret(raw[1 : 1 + KEY_ID_SIZE])
            if secret is None:
                return None
            cipher, nonce = self._cipher(also + secret, raw[1 + KEY_ID_SIZE : _HEADER_SIZE])
            return cipher.decrypt(nonce, raw[_HEADER_SIZE:], self._associated(name))
        except (ValueError, IndexError, InvalidTag):
            return None

    def _cipher(self, secret: bytes, salt: bytes) -> tuple[AESGCM, bytes]:
        material = derive(secret, _KEY_SIZE + _NONCE_SIZE, info=self._info, salt=salt)
        return AESGCM(material[:_KEY_SIZE]), material[_KEY_SIZE:]

    def _associated(self, name: str) -> bytes:
        return self._bound + _framed(name.encode())


def _framed(part: bytes) -> bytes:
    """A part with its length before it, so that two parts cannot be cut in another place."""
    return len(part).to_bytes(4, "big") + part
