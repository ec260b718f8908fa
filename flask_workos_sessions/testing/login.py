"""Signing a test client in, without a network (security T1)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import RSAKey

from ..parts import PARTS, Parts
from ..refresh.due import BUFFER_SECONDS
from ..sealing.keys import KeyRing
from ..sealing.seal import Sealer
from ..session import Session, kept_profile
from ..session_record import Impersonator, SessionRecord
from ..settings import Settings
from ..stores.cookie import CookieStore
from ..tokens.jwks import WAIT, KeySetCache

#: The person who signs in when a test does not say who.
DEFAULT_USER: Mapping[str, Any] = {
    "object": "user",
    "id": "user_test",
    "email": "test@example.test",
    "email_verified": True,
    "first_name": "Test",
    "last_name": "Person",
}


def login_as(
    client: FlaskClient,
    *,
    user: Mapping[str, Any] | None = None,
    organization_id: str | None = None,
    role: str | None = None,
    roles: Iterable[str] = (),
    permissions: Iterable[str] = (),
    entitlements: Iterable[str] = (),
    feature_flags: Iterable[str] = (),
    session_id: str | None = None,
    impersonator: Impersonator | None = None,
    authenticated_at: int | None = None,
    signed_in_at: int | None = None,
    token_seconds: int = 3600,
    claims: Mapping[str, Any] | None = None,
) -> Session:
    """Sign a test client in: a cookie, sealed and signed like a real one, with no network.

    The keys are random and trusted by this app object alone: elsewhere the cookie is as good as
    none.

    :param user: WorkOS's fields of the person; what is missing is made up.
    :param organization_id: needed for a role at WorkOS; made up when there is a role without.
    :param authenticated_at: when the person proved who they are (``auth_time``); now if unset.
    :param signed_in_at: when the session began; now if unset. Both are epoch seconds.
    :param token_seconds: how long the access token lives.
    :param claims: added to the token's claims, over all others; ``None`` removes one.
    :raises RuntimeError: unless ``app.testing`` is true.
    """
    app = client.application
    if not app.testing:
        raise RuntimeError("login_as is for tests: set TESTING = True in the app's config.")
    parts: Parts = app.extensions[PARTS]
    trust = _trust(app, parts)
    now = int(parts.clock())
    person = {**DEFAULT_USER, **(user or {})}
    if organization_id is None and (role is not None or roles):
        organization_id = "org_test"
    payload: dict[str, Any] = {
        "iss": "https://api.workos.com",
        "sub": person["id"],
        "sid": session_id or f"session_{secrets.token_hex(8)}",
        "jti": secrets.token_hex(8),
        "client_id": parts.settings.client_id,
        "iat": now,
        "exp": now + token_seconds,
        "auth_time": now if authenticated_at is None else authenticated_at,
        "org_id": organization_id,
        "role": role,
        "roles": list(roles) or ([role] if role else None),
        "permissions": list(permissions) or None,
        "entitlements": list(entitlements) or None,
        "feature_flags": list(feature_flags) or None,
        "act": {"sub": impersonator.email} if impersonator else None,
        **(claims or {}),
    }
    payload = {name: claim for name, claim in payload.items() if claim is not None}
    began = now if signed_in_at is None else signed_in_at
    record = SessionRecord(
        access_token=_sign(payload),
        refresh_token=secrets.token_urlsafe(24),
        user=kept_profile(person),
        organization_id=organization_id,
        signed_in_at=began,
        not_after=began + parts.settings.longest,
        authentication_method="Password",
        impersonator=impersonator,
    )
    value = trust.store.seal(record)
    client.set_cookie(trust.store.name, value, domain=cookie_domain(app))
    token = parts.verifier.inspect(record.access_token)
    return parts.reader.build(record, token, True).session


def cookie_domain(app: Flask) -> str:
    """The host of which a test client takes the app to be."""
    server_name: str = app.config.get("SERVER_NAME") or "localhost"
    return server_name.partition(":")[0]


def aged_cookie(client: FlaskClient) -> str:
    """The value of a client's cookie as it would be at a moment when a refresh is due.

    :raises RuntimeError: when :func:`login_as` has not signed the client in.
    """
    app = client.application
    parts: Parts = app.extensions[PARTS]
    trust = _TRUST.get(app)
    cookie = client.get_cookie(trust.store.name, domain=cookie_domain(app)) if trust else None
    record = trust.store.open(cookie.value) if trust and cookie else None
    if trust is None or not isinstance(record, SessionRecord):
        raise RuntimeError("Sign the client in with login_as first.")
    now, claims = int(parts.clock()), parts.verifier.inspect(record.access_token).claims
    age, left = _due(parts.settings)
    token = _sign({**claims, "iat": now - age, "exp": now + left})
    return trust.store.seal(replace(record, access_token=token))


def _due(settings: Settings) -> tuple[int, int]:
    """Age and remaining life (seconds) of a token that an active request would exchange: one that
    is still valid, unless the settings say that it is not exchanged before its end."""
    if settings.session_inactivity_timeout is not None:
        return settings.session_inactivity_timeout * 3 // 4, 600
    buffer = BUFFER_SECONDS if settings.refresh_buffer is None else settings.refresh_buffer
    return 3600, min(buffer // 2, 600) or -1


@cache
def _signing_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": f"testing-{secrets.token_hex(8)}", "use": "sig"})


def _sign(payload: Mapping[str, Any]) -> str:
    key = _signing_key()
    return jwt.encode({"alg": "RS256", "typ": "JWT", "kid": key.kid}, dict(payload), key)


class _Trust:
    """What one app accepts in addition, from the first ``login_as`` on."""

    def __init__(self, parts: Parts) -> None:
        keys = KeyRing((secrets.token_hex(32),))
        sealer = Sealer(keys, purpose="session", client_id=parts.settings.client_id)
        self.store = CookieStore(parts.settings, sealer)
        parts.store.sealer = _OpensToo(parts.store.sealer, sealer)
        parts.verifier.keys = _HoldsToo(parts.verifier.keys, _signing_key())


class _OpensToo(Sealer):
    def __init__(self, real: Sealer, testing: Sealer) -> None:
        self._real = real
        self._testing = testing

    def seal(self, plaintext: bytes, *, name: str, also: bytes = b"") -> str:
        return self._real.seal(plaintext, name=name, also=also)

    def open(self, value: str, *, name: str, also: bytes = b"") -> bytes | None:
        opened = self._real.open(value, name=name, also=also)
        return self._testing.open(value, name=name, also=also) if opened is None else opened


class _HoldsToo(KeySetCache):
    def __init__(self, real: KeySetCache, key: RSAKey) -> None:
        self._real = real
        self._key = key

    def holds(self, kid: str) -> bool:
        return kid == self._key.kid or self._real.holds(kid)

    def prepare(self, kid: str) -> None:
        if kid != self._key.kid:
            self._real.prepare(kid)

    def find(self, kid: str, issued_at: float, *, wait: float = WAIT) -> RSAKey:
        return self._key if kid == self._key.kid else self._real.find(kid, issued_at, wait=wait)

    def seed(self, jwks: Mapping[str, Any]) -> None:
        self._real.seed(jwks)


_TRUST: WeakKeyDictionary[Flask, _Trust] = WeakKeyDictionary()


def _trust(app: Flask, parts: Parts) -> _Trust:
    if app not in _TRUST:
        _TRUST[app] = _Trust(parts)
    return _TRUST[app]
