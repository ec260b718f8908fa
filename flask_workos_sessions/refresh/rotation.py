"""What became of a refresh token: the sealed session that replaced it, or that it is dead."""

from __future__ import annotations

import math
from collections.abc import Callable

from ..coordination.shared_state import SharedState

#: A record lives twelve hours at most (seconds); a browser that comes later signs in again.
MAX_RECORD_SECONDS = 12 * 3600
#: Once a browser has shown the successor, its requests still in flight need it this long.
SEEN_SECONDS = 60
#: A refused token is remembered so that it is not sent again (seconds).
DEAD_SECONDS = 60


class Rotations:
    """Rotation records, under a keyed hash of the old refresh token (security R2, R6).

    The value is the successor's *cookie value*: sealed already, and the very bytes that every
    response must carry.
    """

    def __init__(
        self,
        state: SharedState,
        digest: Callable[[str, str], str],
        *,
        clock: Callable[[], float],
    ) -> None:
        self._state = state
        self._digest = digest
        self._clock = clock

    def digest(self, refresh_token: str) -> str:
        """The name of a refresh token in records and in the session that follows it."""
        return self._digest("rotation", refresh_token)

    def successor(self, digest: str) -> str | None:
        """The cookie value that replaced the token, if that is known."""
        value = self._state.get("rotated:" + digest)
        return None if value is None else value.decode()

    def record(self, digest: str, cookie_value: str, *, until: float) -> None:
        """Keep the successor up to ``until`` (epoch seconds), twelve hours at most."""
        seconds = min(MAX_RECORD_SECONDS, math.ceil(until - self._clock()))
        self._state.set("rotated:" + digest, cookie_value.encode(), max(1, seconds))

    def seen(self, digest: str) -> None:
        """A browser has the successor: the record is needed for a minute more, no longer."""
        value = self._state.get("rotated:" + digest)
        if value is not None and self._state.add("seen:" + digest, b"1", SEEN_SECONDS):
            self._state.set("rotated:" + digest, value, SEEN_SECONDS)

    def bury(self, digest: str) -> None:
        """WorkOS refused the token for good."""
        self._state.set("dead:" + digest, b"1", DEAD_SECONDS)

    def dead(self, digest: str) -> bool:
        """Whether WorkOS refused this token a moment ago."""
        return self._state.get("dead:" + digest) is not None
