"""When an access token should be exchanged. Plain numbers in, a moment out."""

from __future__ import annotations

import random

#: Seconds before the end, for tokens that live longer than five minutes, and for shorter ones.
BUFFER_SECONDS = 60
SHORT_BUFFER_SECONDS = 30
SHORT_LIFE_SECONDS = 300
#: A refresh never takes place in the first 60 % of a token's life because of its end.
MAX_SHARE = 0.4


def refresh_due(
    *,
    issued_at: float,
    expires_at: float,
    buffer: int | None,
    inactivity_timeout: int | None,
    spread: float | None = None,
) -> float:
    """The moment (epoch seconds) from which an active request refreshes.

    Before ``exp`` by the buffer, up to a quarter earlier or later so that a fleet of tokens does
    not come due at once; and when half of the inactivity timeout has passed, for only a refresh
    is activity at WorkOS. ``buffer`` 0 means at ``exp``. ``spread`` (0 to 1) is random when unset.
    """
    life = max(0.0, expires_at - issued_at)
    if buffer is None:
        buffer = SHORT_BUFFER_SECONDS if life <= SHORT_LIFE_SECONDS else BUFFER_SECONDS
    share = random.random() if spread is None else spread  # noqa: S311
    due = expires_at - min(buffer * (0.75 + share / 2), MAX_SHARE * life)
    if inactivity_timeout is not None:
        due = min(due, issued_at + inactivity_timeout / 2)
    return due


def extension_due(*, issued_at: float, expires_at: float) -> float:
    """From when extending makes an exchange; sooner it would gain next to nothing."""
    return issued_at + min(60.0, (expires_at - issued_at) / 2)
