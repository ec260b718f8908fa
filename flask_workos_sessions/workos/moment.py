"""Moments as WorkOS's API writes them: ISO 8601, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def read_moment(value: object) -> float | None:
    """The seconds since the epoch of a date and time, ``None`` when it is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if seconds >= 0 else None


def write_moment(seconds: float) -> str:
    """The other way round, with the ``Z`` without which WorkOS takes no moment."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
