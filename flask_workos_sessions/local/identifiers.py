"""Identifiers and times in the form that WorkOS gives them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_ulid(now: float) -> str:
    """A ULID: 26 characters, of which the first ten are the time (seconds since the epoch)."""
    number = (int(now * 1000) & (1 << 48) - 1) << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def new_id(kind: str, now: float) -> str:
    """A new id such as ``session_01M84EJWJF0PNRFDRDTMA165DJ``."""
    return f"{kind}_{new_ulid(now)}"


def iso(seconds: float) -> str:
    """A time in WorkOS's JSON: UTC with milliseconds and ``Z``."""
    at = datetime.fromtimestamp(seconds, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
