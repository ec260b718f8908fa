"""Sessions that have ended: remembered until nothing of them could be used any more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from .memory import MemoryState
from .shared_state import SharedState

#: Why a session ended. The same words in logs, signals, JSON and on pages.
REASONS = frozenset(
    {"inactivity", "max_length", "revoked", "signed_out", "user_changed", "access_removed"}
)
#: Seconds for which "not ended" is believed before the shared state is asked again. No process
#: serves a session longer than that after another one has ended it.
BELIEVED_SECONDS = 1.0
#: Sessions of which a process remembers that they had not ended.
_MAX_ALIVE = 20_000


class Unreadable(Exception):
    """Whether a session has ended cannot be found out just now, and has to be (security R7)."""


class Endings:
    """Which sessions are refused whatever their cookie says (security R1).

    ``digests(purpose, value)`` hashes a session id under every password, the one in use first, so
    that the state holds none. An end is recorded under all of them: while a password is changed,
    a process with another one in use finds it too.

    :param required: refuse to answer while the shared state cannot be read (security R7).
    """

    def __init__(
        self,
        state: SharedState,
        digests: Callable[[str, str], Sequence[str]],
        *,
        clock: Callable[[], float],
        required: bool = False,
    ) -> None:
        self._required = required
        self._state = state
        self._digests = digests
        self._clock = clock
        # An end is never taken back: who knows of one need not ask again.
        self._ended = MemoryState(clock=clock)
        self._alive: dict[str, float] = {}

    @property
    def born(self) -> float:
        """Since when (epoch seconds) ends are remembered."""
        return self._state.born

    def key(self, session_id: str) -> str:
        """Where the end of this session would be kept; worth keeping for repeated questions."""
        return self._keys(session_id)[0]

    def end(self, session_id: str, reason: str, *, until: float) -> bool:
        """Refuse the session up to ``until`` (epoch seconds). True for the first who ends it."""
        key, *others = self._keys(session_id)
        value = b"%d %s" % (math.ceil(until), reason.encode())
        seconds = self._seconds_to(until)
        first = self._ended.add(key, reason.encode(), seconds)
        for other in others:
            self._state.add(other, value, seconds)
        return self._state.add(key, value, seconds) and first

    def reason(self, session_id: str) -> str | None:
        """Why the session ended, or ``None``.

        :raises Unreadable: when that is required, and cannot be found out.
        """
        return self.look(self.key(session_id))

    def reason_at(self, key: str) -> str | None:
        """The same, for a key that the caller has kept. An end that another process has made is
        noticed within a second: the shared state is asked once in that time."""
        ended = self._ended.get(key)
        if ended is not None:
            return ended.decode()
        asked_at = self._alive.get(key)
        if asked_at is not None and 0 <= self._clock() - asked_at < BELIEVED_SECONDS:
            return None
        return self.look(key)

    def look(self, key: str) -> str | None:
        """The same, always from the shared state: before an exchange, and before a cookie."""
        ended = self._ended.get(key)
        if ended is not None:
            return ended.decode()
        # Before asking: an answer may be old by the time that it comes.
        asked_at = self._clock()
        given, value = self._state.ask(key)
        if value is None:
            if self._required and not given:
                raise Unreadable
            if len(self._alive) >= _MAX_ALIVE:
                self._alive = {}
            self._alive[key] = asked_at
            return None
        recorded: bytes = value
        until, _, reason = recorded.partition(b" ")
        self._ended.set(key, reason, self._seconds_to(int(until)))
        return reason.decode()

    def _keys(self, session_id: str) -> list[str]:
        return ["ended:" + digest for digest in self._digests("ended", session_id)]

    def _seconds_to(self, until: float) -> int:
        return max(1, math.ceil(until - self._clock()))
