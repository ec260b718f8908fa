"""Identifiers and times in the form that WorkOS gives them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_ulid(now: float) -> str:
    """A ULID: 26 characters, of which the first ten are the time (seconds since the epoch)."""
    return _spelled(_number(now))


def new_id(kind: str, now: float) -> str:
    """A new id such as ``session_01M84EJWJF0PNRFDRDTMA165DJ``."""
    return f"{kind}_{new_ulid(now)}"


def iso(seconds: float) -> str:
    """A time in WorkOS's JSON: UTC with milliseconds and ``Z``."""
    at = datetime.fromtimestamp(seconds, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class OrderedIds:
    """Ids of one kind that sort as they were made, also within a millisecond, and when the clock
    has been moved back."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._last = 0

    def next(self, now: float) -> str:
        """The id after the last one."""
        self._last = max(_number(now), self._last + 1)
        return f"{self._kind}_{_spelled(self._last)}"


def _number(now: float) -> int:
    return (int(now * 1000) & (1 << 48) - 1) << 80 | secrets.randbits(80)


def _spelled(number: int) -> str:
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
