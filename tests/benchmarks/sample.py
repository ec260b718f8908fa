"""The sessions and apps that are measured: people in organizations, as WorkOS describes them."""

from __future__ import annotations

import base64
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from flask import Flask
from joserfc.jwk import RSAKey
from werkzeug.test import create_environ

from flask_workos_sessions import WorkOSSessions, current_user, login_required
from flask_workos_sessions.parts import PARTS, Parts
from flask_workos_sessions.session_record import SessionRecord
from flask_workos_sessions.testing import settings

KID = "sso_oidc_key_pair_01JABCDEFGHJKMNPQRSTVWXYZ0"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_random = random.Random(20)

_THINGS = [
    "invoices",
    "customers",
    "subscriptions",
    "credit-notes",
    "payouts",
    "reports",
    "audit-logs",
    "api-keys",
    "webhooks",
    "members",
    "teams",
    "projects",
    "deployments",
    "secrets",
    "integrations",
]
_DEEDS = ("read", "create", "update", "delete")
PERMISSIONS = [f"{thing}:{deed}" for thing in _THINGS for deed in _DEEDS]
FLAGS = [
    "new-dashboard",
    "bulk-export",
    "sso-self-serve",
    "ai-summaries",
    "dark-mode",
    "usage-billing",
    "audit-v2",
    "inline-comments",
    "scim-groups",
    "eu-residency",
    "fast-search",
    "mobile-preview",
    "custom-roles",
    "slack-alerts",
    "team-inbox",
    "report-builder",
    "saved-views",
    "api-v3",
    "guest-access",
    "workflow-rules",
]


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _identifier(kind: str) -> str:
    ulid = "".join(_random.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=23))
    return f"{kind}_01J{ulid}"


def authentication(client_id: str, *, permissions: int = 10, flags: int = 5) -> dict[str, Any]:
    """What WorkOS answers to an exchange: a person, an access token and a refresh token."""
    now = int(time.time())
    user_id, organization_id = _identifier("user"), _identifier("org")
    claims = {
        "iss": f"https://api.workos.com/user_management/{client_id}",
        "sub": user_id,
        "sid": _identifier("session"),
        "jti": _identifier("jti")[4:],
        "client_id": client_id,
        "org_id": organization_id,
        "role": "admin",
        "roles": ["admin"],
        "permissions": _random.sample(PERMISSIONS, permissions),
        "entitlements": ["audit-logs"],
        "feature_flags": _random.sample(FLAGS, flags),
        "auth_time": now - 60,
        "exp": now + 3600,
        "iat": now,
    }
    picture = "".join(_random.choices("0123456789abcdef", k=32))
    return {
        "user": {
            "object": "user",
            "id": user_id,
            "email": "margaret.hamilton@lunar-software.example",
            "email_verified": True,
            "first_name": "Margaret",
            "last_name": "Hamilton",
            "name": None,
            "profile_picture_url": f"https://workoscdn.com/images/v1/{picture}",
            "last_sign_in_at": "2026-11-23T14:57:26.607Z",
            "external_id": None,
            "locale": "en-US",
            "metadata": {},
            "created_at": "2026-03-02T09:11:41.120Z",
            "updated_at": "2026-11-23T14:57:26.611Z",
        },
        "organization_id": organization_id,
        "access_token": signed({"alg": "RS256", "typ": "JWT", "kid": KID}, claims),
        "refresh_token": "".join(_random.choices("ABCDEFabcdef0123456789", k=25)),
        "authentication_method": "GoogleOAuth",
    }


def signed(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """An RS256 token by our own key."""
    parts = (json.dumps(each, separators=(",", ":")).encode() for each in (header, claims))
    signing_input = ".".join(map(_base64, parts))
    signature = KEY.sign(signing_input.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signing_input}.{_base64(signature)}"


def key_set() -> dict[str, Any]:
    """The public half, as WorkOS publishes it."""
    public = RSAKey.import_key(KEY.public_key()).as_dict(private=False)
    return {"keys": [{**public, "kid": KID, "use": "sig", "alg": "RS256"}]}


def record(answer: dict[str, Any]) -> SessionRecord:
    """What the extension keeps of such an answer."""
    now = int(time.time())
    return SessionRecord(
        access_token=answer["access_token"],
        refresh_token=answer["refresh_token"],
        user=answer["user"],
        organization_id=answer["organization_id"],
        signed_in_at=now - 60,
        not_after=now + 30 * 24 * 3600,
        authentication_method=answer["authentication_method"],
    )


class Sample:
    """An app with the extension, whose sessions are sealed here instead of at a sign-in.

    The extension needs no ``SECRET_KEY``; with one, Flask reads its own session as well.
    """

    def __init__(
        self,
        *,
        secret_key: str | None = None,
        redis_url: str | None = None,
        cache_type: str | None = None,
    ) -> None:
        self.app = Flask("measured")
        callback = "https://app.example/auth/callback"
        self.app.config.update(settings(TESTING=False, WORKOS_REDIRECT_URI=callback))
        self.app.secret_key = secret_key
        # As in production: what processes share is in a file, or in Redis.
        self._folder = tempfile.TemporaryDirectory()
        self.app.config["WORKOS_CACHE_DIR"] = str(Path(self._folder.name, "state"))
        self.app.config["WORKOS_CACHE_REDIS_URL"] = redis_url
        if cache_type is not None:
            self.app.config["WORKOS_CACHE_TYPE"] = cache_type
        WorkOSSessions(self.app)
        self.parts: Parts = self.app.extensions[PARTS]
        self.parts.verifier.keys.seed(key_set())
        # A token from before the shared state was there is refreshed at some time.
        self.parts.endings.reason("nobody")
        self.client_id = self.app.config["WORKOS_CLIENT_ID"]

        @self.app.get("/")
        @login_required
        def guarded() -> str:
            return f"Hello {current_user.first_name}"

        @self.app.get("/page")
        @login_required
        def page() -> str:
            return f"{PAGE_START}Hello {current_user.first_name}{PAGE_END}"

    def cookie(self, answer: dict[str, Any]) -> str:
        """The ``Cookie`` header of somebody who signed in with this answer."""
        return f"{self.parts.store.name}={self.parts.store.seal(record(answer))}"

    def cookies(self, count: int, **rights: int) -> list[str]:
        """The headers of so many different people."""
        return [self.cookie(authentication(self.client_id, **rights)) for _ in range(count)]


#: A page of 8 kB, of the kind into which the warning is put.
PAGE_START = (
    "<!doctype html><html lang=en><head><title>Page</title></head><body>" + "<p>Text.</p>" * 650
)
PAGE_END = "</body></html>"


def bare_app(secret_key: str | None = None) -> Flask:
    """Flask alone, with views of the same kind."""
    app = Flask("bare")
    app.secret_key = secret_key

    @app.get("/")
    def view() -> str:
        return "Hello Margaret"

    @app.get("/page")
    def page() -> str:
        return f"{PAGE_START}Hello Margaret{PAGE_END}"

    return app


def environ(cookie: str = "", path: str = "/") -> dict[str, Any]:
    """What a server hands over when a browser opens a page."""
    headers = {
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language": "en-GB,en;q=0.7",
        "Sec-Fetch-Dest": "document",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Site": "same-origin",
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:149.0) Gecko/20100101 Firefox/149.0",
    }
    if cookie:
        headers["Cookie"] = cookie
    sent = create_environ(path, base_url="https://app.example", headers=headers)
    return {**sent, "REMOTE_ADDR": "127.0.0.1"}


def get(
    app: Flask, environs: Iterable[dict[str, Any]], holds: bytes = b"Hello Margaret"
) -> Callable[[], None]:
    """A run that sends the next of these requests through the WSGI app; anything but 200 with
    ``holds`` in the body raises."""
    coming = iter(environs)
    seen = ""

    def start_response(status: str, headers: Any, exc_info: Any = None) -> Callable[..., Any]:
        nonlocal seen
        seen = status
        return lambda _: None

    def run() -> None:
        body = app(dict(next(coming)), start_response)
        if holds not in b"".join(body) or seen != "200 OK":
            raise AssertionError(f"answered {seen}")
        body.close()  # type: ignore[attr-defined]

    return run
