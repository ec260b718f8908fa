"""Shared state among the threads of one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .breaker import Answer
from .process_lock import ProcessLock
from .shared_state import Combine, rule_for

#: Entries that are kept at most; each is a few hundred bytes to four kilobytes.
CAPACITY = 20_000
#: The same for ends of sessions, which are small and matter for as long as their session could.
ENDS_CAPACITY = 200_000


class MemoryState:
    """A dictionary whose entries end: :class:`SharedState` for one process."""

    #: It shares nothing, and so can lose nothing that others told it.
    born = 0.0

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        capacity: int = CAPACITY,
        combine: Combine | None = None,
    ) -> None:
        self.capacity = capacity
        self._clock = clock
        self._combine = combine or {}
        self._lock = ProcessLock()
        self._entries: dict[str, tuple[float, bytes]] = {}

    def get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None or entry[0] <= self._clock():
            return None
        return entry[1]

    def ask(self, key: str) -> Answer:
        return Answer(True, self.get(key))

    def ask_all(self, keys: Sequence[str]) -> list[Answer]:
        return [Answer(True, self.get(key)) for key in keys]

    def get_many(self, *keys: str) -> list[bytes | None]:
        """The values of several keys, as a store answers."""
        return [self.get(key) for key in keys]

    def set(self, key: str, value: bytes, seconds: int) -> None:
        with self._lock:
            self._put(key, value, seconds)

    def add(self, key: str, value: bytes, seconds: int) -> bool:
        with self._lock:
            if self.get(key) is not None:
                return False
            self._put(key, value, seconds)
            return True

    def merge(self, key: str, value: bytes) -> None:
        rule = rule_for(key, self._combine)
        with self._lock:
            there = self.get(key)
            if there is not None:
                value = rule.merged(there, value)
            self._put(key, value, rule.seconds(value, self._clock()))

    def is_shared(self, key: str) -> bool:
        return True

    def delete(self, key: str) -> None:
        with self._lock:
            self._entries.pop(key, None)

    def discard(self, key: str, value: bytes) -> None:
        self.remove(key, value)

    def remove(self, key: str, value: bytes) -> bool:
        """Forget a value if it is this one; whether it was."""
        with self._lock:
            if self.get(key) != value:
                return False
            del self._entries[key]
            return True

    def replace(self, key: str, value: bytes, seconds: int) -> bool:
        """Keep a value in place of one that is there; whether one was."""
        with self._lock:
            if self.get(key) is None:
                return False
            self._put(key, value, seconds)
            return True

    def entry(self, key: str) -> tuple[float, bytes] | None:
        """The end (epoch seconds) and the value, if that has not run out."""
        entry = self._entries.get(key)
        return None if entry is None or entry[0] <= self._clock() else entry

    def items(self) -> list[tuple[str, float, bytes]]:
        """What has not run out: key, end (epoch seconds) and value."""
        now = self._clock()
        with self._lock:
            return [(key, *entry) for key, entry in self._entries.items() if entry[0] > now]

    def __len__(self) -> int:
        return len(self._entries)

    def _put(self, key: str, value: bytes, seconds: int) -> None:
        self._entries.pop(key, None)
        if len(self._entries) >= self.capacity:
            self._make_room()
        self._entries[key] = (self._clock() + max(1, seconds), value)

    def _make_room(self) -> None:
        now = self._clock()
        over = [key for key, (until, _) in self._entries.items() if until <= now]
        # When nothing has run out, the oldest tenth goes: one scan then serves many writes.
        for key in over or list(self._entries)[: max(1, self.capacity // 10)]:
            del self._entries[key]
