"""How long a server wants to be left alone: the ``Retry-After`` header (RFC 9110, 10.2.3)."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

#: Seconds of the longest pause that ``Retry-After`` may ask for.
MAX_RETRY_AFTER = 60.0

_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, 60 at most; ``None`` for anything that makes no sense."""
    found = {name.lower(): value.strip() for name, value in headers.items()}
    value = found.get("retry-after", "")
    if _SECONDS.fullmatch(value):
        seconds = float(value)
    else:
        until, now = _epoch(value), _epoch(found.get("date", ""))
        if until is None:
            return None
        # By the server's own clock, when it says what that shows.
        seconds = until - (time.time() if now is None else now)
    return min(seconds, MAX_RETRY_AFTER) if seconds >= 0 else None


def _epoch(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
        # "-0000" leaves the time zone open; what a server sends is in UTC.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
