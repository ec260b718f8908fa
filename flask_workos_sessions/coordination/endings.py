"""Sessions that have ended: remembered until nothing of them could be used any more."""

from __future__ import annotations

import math
from collections.abc import Callable

from .shared_state import SharedState

#: Why a session ended. The same words in logs, signals, JSON and on pages.
REASONS = frozenset(
    {"inactivity", "max_length", "revoked", "signed_out", "user_changed", "access_removed"}
)


class Endings:
    """Which sessions are refused whatever their cookie says (security R1).

    ``digest(purpose, value)`` hashes a session id, so that the state holds none.
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

    def key(self, session_id: str) -> str:
        """Where the end of this session would be kept; worth keeping for repeated questions."""
        return "ended:" + self._digest("ended", session_id)

    def end(self, session_id: str, reason: str, *, until: float) -> bool:
        """Refuse the session up to ``until`` (epoch seconds). True for the first who ends it."""
        seconds = max(1, math.ceil(until - self._clock()))
        return self._state.add(self.key(session_id), reason.encode(), seconds)

    def reason(self, session_id: str) -> str | None:
        """Why the session ended, or ``None``."""
        return self.reason_at(self.key(session_id))

    def reason_at(self, key: str) -> str | None:
        """The same, for a key that the caller has kept."""
        reason = self._state.get(key)
        return None if reason is None else reason.decode()
