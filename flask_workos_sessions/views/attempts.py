"""Sign-ins that have begun: one sealed cookie each, so that several tabs can sign in at once."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from flask import Request
from werkzeug.http import dump_cookie

from ..parts import Parts

#: A sign-in may take ten minutes (seconds); WorkOS's code lives as long.
ATTEMPT_SECONDS = 600
#: Attempts that one browser keeps; the oldest goes first.
MAX_ATTEMPTS = 5
#: Bytes of all of them together, names included.
MAX_BYTES = 4_096
_RESTARTED = "r"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in on its way. Times are seconds since the epoch."""

    state: str
    verifier: str = field(repr=False)
    started_at: int
    return_to: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    expected: Mapping[str, Any] = field(default_factory=dict)
    cross_site: bool = False
    escalated: bool = False
    #: Whether a page in another tab waits for this sign-in.
    resume: bool = False


def mark_restarted(state: str) -> str:
    """A ``state`` that says that the flow was restarted once already."""
    return f"{_RESTARTED}.{state}"


def is_restarted(state: str) -> bool:
    """Whether :func:`mark_restarted` made this ``state``: it is the second try for a callback whose
    cookie was missing."""
    return state.startswith(f"{_RESTARTED}.")


def cookie_name(parts: Parts, state: str) -> str:
    """The name of an attempt's cookie."""
    digest = hashlib.sha256(state.encode()).hexdigest()[:8]
    return f"{_prefix(parts)}{digest}"


def keep(parts: Parts, asked: Request, attempt: Attempt) -> list[str]:
    """The ``Set-Cookie`` headers that keep an attempt, and drop what is too old or too much."""
    name = cookie_name(parts, attempt.state)
    value = parts.attempt_sealer.seal(json.dumps(asdict(attempt)).encode(), name=name)
    headers = [_header(parts, name, value, ATTEMPT_SECONDS)]
    used = len(name) + len(value)
    others = sorted(_found(parts, asked), key=lambda each: -each[2])
    for count, (other, size, started_at) in enumerate(others, start=2):
        used += size
        if count > MAX_ATTEMPTS or used > MAX_BYTES or started_at == 0:
            headers.append(drop(parts, other))
    return headers


def find(parts: Parts, asked: Request, state: str) -> Attempt | None:
    """The attempt of this browser that belongs to ``state``: opened first, then compared."""
    name = cookie_name(parts, state)
    attempt = _open(parts, name, asked.cookies.get(name, ""))
    if attempt is None or not hmac.compare_digest(attempt.state.encode(), state.encode()):
        return None
    return attempt


def any_kept(parts: Parts, asked: Request) -> bool:
    """Whether this browser has brought a cookie of any attempt."""
    return any(name.startswith(_prefix(parts)) for name in asked.cookies)


def drop(parts: Parts, name: str) -> str:
    """The ``Set-Cookie`` header that deletes an attempt's cookie."""
    return _header(parts, name, "", 0)


def _found(parts: Parts, asked: Request) -> list[tuple[str, int, int]]:
    """Name, size and start of the attempts in a request; start 0 for what cannot be opened."""
    names = [name for name in asked.cookies if name.startswith(_prefix(parts))]
    found = []
    for name in names[: 4 * MAX_ATTEMPTS]:
        value = asked.cookies.get(name, "")
        attempt = _open(parts, name, value)
        found.append((name, len(name) + len(value), attempt.started_at if attempt else 0))
    return found


def _open(parts: Parts, name: str, value: str) -> Attempt | None:
    plaintext = parts.attempt_sealer.open(value, name=name) if value else None
    try:
        return None if plaintext is None else Attempt(**json.loads(plaintext))
    except TypeError:
        return None  # another version of ours made it


def _prefix(parts: Parts) -> str:
    return f"{parts.settings.cookie_prefix}wos-attempt-"


def _header(parts: Parts, name: str, value: str, max_age: int) -> str:
    return dump_cookie(
        name,
        value,
        max_age=max_age,
        path="/",
        domain=parts.settings.cookie_domain,
        secure=parts.settings.secure,
        httponly=True,
        # The callback is reached by a navigation from WorkOS's site.
        samesite="None" if parts.settings.cookie_samesite == "none" else "Lax",
        max_size=0,
    )
