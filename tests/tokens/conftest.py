"""Keys and tokens like WorkOS's, made here."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import RSAKey

NOW = 1_795_445_846


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


class Issuer:
    """Signs tokens, and publishes the keys."""

    def __init__(self) -> None:
        self.keys = {kid: RSAKey.generate_key(2048, {"kid": kid}) for kid in ("key_1", "key_2")}

    def jwks(self, *kids: str) -> dict[str, Any]:
        entries = [self.keys[kid].as_dict(private=False) for kid in kids or ("key_1",)]
        return {"keys": [{**entry, "use": "sig", "alg": "RS256"} for entry in entries]}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good token. A change to ``...`` leaves the claim out."""
        claims = {
            "iss": "https://api.workos.com",
            "sub": "user_1",
            "sid": "session_1",
            "jti": "jti_1",
            "org_id": "org_1",
            "role": "admin",
            "roles": ["admin"],
            "permissions": ["posts:read", "posts:write"],
            "entitlements": ["audit-logs"],
            "feature_flags": ["beta"],
            "client_id": "client_1",
            "auth_time": NOW - 100,
            "iat": NOW - 10,
            "exp": NOW + 290,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not ...}

    def token(
        self, *, kid: str = "key_1", header: dict[str, Any] | None = None, **changes: Any
    ) -> str:
        members = {"alg": "RS256", "typ": "JWT", "kid": kid, **(header or {})}
        registry = jws.JWSRegistry(algorithms=["RS256"], strict_check_header=False)
        payload = json.dumps(self.claims(**changes)).encode()
        return jws.serialize_compact(members, payload, self.keys[kid], registry=registry)

    @staticmethod
    def unsigned(header: Any, claims: Any, signature: bytes = b"signature") -> str:
        """A token of any content (bytes are taken as they are), with no right signature."""
        contents = [
            part if isinstance(part, bytes) else json.dumps(part).encode()
            for part in (header, claims)
        ]
        return ".".join(
            base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in [*contents, signature]
        )


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def clock() -> Clock:
    return Clock()
