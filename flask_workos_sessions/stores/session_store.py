"""Where sessions lie when the cookie carries only a ticket: the interface, and the cache."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from ..coordination.sealed_store import Store

#: Bytes of the longest value; most are a few thousand.
LONGEST_VALUE = 180_000


class SessionStore(Protocol):
    """A place for sealed sessions: a table, say. Implement it for your own database.

    Values are opaque bytes, 180,000 at most, that nobody can open who has only the store. A method
    raises whatever it likes when the store cannot be used: then requests get 503, and keep their
    cookie, and for five seconds the store is left alone.
    """

    def load(self, session_id: str) -> bytes | None:
        """The value, or ``None`` when there is none, or none that has not expired."""
        ...

    def save(self, session_id: str, value: bytes, expires_at: int) -> None:
        """Keep a value up to ``expires_at`` (epoch seconds); it may replace another one."""
        ...

    def update(self, session_id: str, value: bytes, expires_at: int) -> bool:
        """The same, but only in place of a value that is there; whether one was.

        In one step: a refresh that is under way must not bring back a session that somebody has
        just signed out of.
        """
        ...

    def delete(self, session_id: str) -> None:
        """Forget a value, if there is one."""
        ...


class CachedSessions:
    """:class:`SessionStore` in the cache of ``WORKOS_CACHE_…``."""

    def __init__(self, store: Store, *, namespace: str, clock: Callable[[], float]) -> None:
        self._store = store
        self._namespace = namespace
        self._clock = clock

    def load(self, session_id: str) -> bytes | None:
        value = self._store.get(self._name(session_id))
        return value if isinstance(value, bytes) else None

    def save(self, session_id: str, value: bytes, expires_at: int) -> None:
        if expires_at <= self._clock():
            self.delete(session_id)  # an entry lives for a second at least
        else:
            self._store.set(self._name(session_id), value, self._seconds_to(expires_at))

    def update(self, session_id: str, value: bytes, expires_at: int) -> bool:
        seconds = self._seconds_to(expires_at)
        return bool(self._store.replace(self._name(session_id), value, seconds))

    def delete(self, session_id: str) -> None:
        self._store.delete(self._name(session_id))

    def _name(self, session_id: str) -> str:
        return f"{self._namespace}:session:{session_id}"

    def _seconds_to(self, expires_at: int) -> int:
        return max(1, math.ceil(expires_at - self._clock()))
