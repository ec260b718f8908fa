"""The cookie passwords, and the keys that are derived from them."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SHA256 = hashes.SHA256()

#: Bytes of the id that says which password sealed a value.
KEY_ID_SIZE = 4


class KeyRing:
    """Cookie passwords: the first one seals, all of them open.

    Every key is derived for one purpose (HKDF-SHA256, RFC 5869), so that a value that was made
    for one purpose is worthless for another.

    :raises ValueError: without a password, or with an empty one.
    """

    def __init__(self, passwords: Sequence[str]) -> None:
        if isinstance(passwords, str) or not passwords or not all(passwords):
            raise ValueError("A key ring needs a sequence of passwords that are not empty.")
        secrets = [password.encode() for password in passwords]
        self._ids = [derive(secret, 32, info=b"key id")[:KEY_ID_SIZE] for secret in secrets]
        self._secrets = secrets
        # The first of two passwords with the same id wins: usually it is the same password.
        self._by_id = dict(zip(reversed(self._ids), reversed(secrets), strict=True))
        self._keyed: dict[str, list[hmac.HMAC]] = {}

    def __repr__(self) -> str:
        return f"KeyRing({len(self._secrets)} passwords)"

    @property
    def all(self) -> list[tuple[bytes, bytes]]:
        """Id and secret of every password, the one that seals first."""
        return list(zip(self._ids, self._secrets, strict=True))

    def secret(self, key_id: bytes) -> bytes | None:
        """The password with this id, or ``None`` when it is not on the ring."""
        return self._by_id.get(key_id)

    def digest(self, purpose: str, value: str) -> str:
        """HMAC-SHA256 of ``value`` in hex, under the first password's key for ``purpose``."""
        return _finished(self._keyed_for(purpose)[0], value)

    def digests(self, purpose: str, value: str) -> tuple[str, ...]:
        """The same under every password, the first one first: to find what an older one named."""
        return tuple([_finished(keyed, value) for keyed in self._keyed_for(purpose)])

    def _keyed_for(self, purpose: str) -> list[hmac.HMAC]:
        """With the key of each password: to copy one is half the work of a new one."""
        keyed = self._keyed.get(purpose)
        if keyed is None:
            info = b"digest " + purpose.encode()
            keys = (derive(secret, 32, info=info) for secret in self._secrets)
            keyed = self._keyed[purpose] = [hmac.new(key, digestmod="sha256") for key in keys]
        return keyed


def derive(secret: bytes, length: int, *, info: bytes, salt: bytes | None = None) -> bytes:
    """``length`` bytes of key material for one purpose (HKDF-SHA256)."""
    return HKDF(_SHA256, length, salt, b"flask-workos-sessions " + info).derive(secret)


def _finished(keyed: hmac.HMAC, value: str) -> str:
    mine = keyed.copy()
    mine.update(value.encode("utf-8", "surrogatepass"))
    return mine.hexdigest()
