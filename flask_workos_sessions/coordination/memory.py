"""Shared state among the threads of one process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

#: Entries that are kept at most; each is a few hundred bytes to four kilobytes.
CAPACITY = 20_000


class MemoryState:
    """A dictionary whose entries end: :class:`SharedState` for one process."""

    def __init__(self, *, clock: Callable[[], float], capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._locks = (os.getpid(), threading.Lock())
        self._entries: dict[str, tuple[float, bytes]] = {}

    def get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None or entry[0] <= self._clock():
            return None
        return entry[1]

    def set(self, key: str, value: bytes, seconds: int) -> None:
        with self._lock():
            self._put(key, value, seconds)

    def add(self, key: str, value: bytes, seconds: int) -> bool:
        with self._lock():
            if self.get(key) is not None:
                return False
            self._put(key, value, seconds)
            return True

    def delete(self, key: str) -> None:
        with self._lock():
            self._entries.pop(key, None)

    def __len__(self) -> int:
        return len(self._entries)

    def _lock(self) -> threading.Lock:
        held, pid = self._locks, os.getpid()
        if held[0] != pid:
            # A lock that was held during the fork would stay held: the child makes its own.
            held = self._locks = (pid, threading.Lock())
        return held[1]

    def _put(self, key: str, value: bytes, seconds: int) -> None:
        self._entries.pop(key, None)
        if len(self._entries) >= self._capacity:
            self._make_room()
        self._entries[key] = (self._clock() + max(1, seconds), value)

    def _make_room(self) -> None:
        now = self._clock()
        over = [key for key, (until, _) in self._entries.items() if until <= now]
        # When nothing has run out, the oldest tenth goes: one scan then serves many writes.
        for key in over or list(self._entries)[: max(1, self._capacity // 10)]:
            del self._entries[key]
