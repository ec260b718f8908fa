"""The keys of one JWKS document (RFC 7517) that access tokens may be signed with."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

#: More entries than that are not looked at.
MAX_KEYS = 100
#: Bits of a modulus: less is too weak (RFC 7518, 3.3), more would take a while to verify with.
MIN_BITS, MAX_BITS = 2048, 8192
#: Bytes of a set that processes share; no set of WorkOS's comes near it.
MAX_SHARED = 8192


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys by ``kid``, and when the fetch that brought them began (epoch seconds).

    The set with the higher ``serial`` is the newer one; ``own``: this process has fetched it.
    """

    keys: Mapping[str, RSAKey]
    fetched_at: float
    serial: int
    own: bool = True

    def to_bytes(self) -> bytes | None:
        """The set for other processes; ``None`` when it is too long for that."""
        entries = [key.as_dict(private=False) for key in self.keys.values()]
        value = json.dumps({"fetched_at": self.fetched_at, "keys": entries}).encode()
        return value if len(value) <= MAX_SHARED else None

    @classmethod
    def from_bytes(cls, value: bytes, serial: int) -> KeySet | None:
        """Another process's set; ``None`` for anything else."""
        try:
            found = json.loads(value)
            return cls(parse_keys(found), float(found["fetched_at"]), serial, own=False)
        except (ValueError, TypeError, KeyError, RecursionError):
            return None


def parse_keys(jwks: object) -> dict[str, RSAKey]:
    """The RSA signature keys by ``kid``. Entries of any other kind are left out.

    :raises ValueError: when there is none.
    """
    entries = jwks.get("keys") if isinstance(jwks, Mapping) else None
    keys: dict[str, RSAKey] = {}
    for entry in entries[:MAX_KEYS] if isinstance(entries, list) else ():
        key = _parse(entry)
        if key is not None:
            keys.setdefault(entry["kid"], key)
    if not keys:
        raise ValueError("no usable key in the key set")
    return keys


def _parse(entry: object) -> RSAKey | None:
    if not isinstance(entry, Mapping):
        return None
    usable = (
        entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", "RS256") == "RS256"
        and isinstance(entry.get("kid"), str)
        and entry["kid"]
        and isinstance(entry.get("n"), str)
        and isinstance(entry.get("e"), str)
        and len(entry["n"]) <= MAX_BITS // 4
    )
    if not usable:
        return None
    # The public members only: certificates and what else there is are no concern of ours.
    public: dict[str, Any] = {name: entry[name] for name in ("kty", "n", "e", "kid")}
    try:
        # Looked at before joserfc does, which warns of a weak key and takes it.
        modulus = int.from_bytes(urlsafe_b64decode(entry["n"] + "=="), "big")
        if not MIN_BITS <= modulus.bit_length() <= MAX_BITS:
            return None
        key = RSAKey.import_key(public)
        return key if key.public_key else None  # parsed here, once
    except (JoseError, ValueError, TypeError, KeyError, OverflowError):
        return None
