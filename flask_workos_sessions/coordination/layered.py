"""Shared state in a store, with this process's own memory beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from ..sealing.seal import Sealer
from .breaker import Answer, Breaker
from .memory import MemoryState
from .process_lock import ProcessLock
from .shared_state import Combine, rule_for

#: Under this name a store says which life it is in: it is gone when the store was emptied.
_LIFE = "life"
_LIFE_SIZE = 16
_LIFE_SECONDS = 400 * 24 * 3600
#: Seconds between two looks at it.
LIFE_SECONDS = 5.0
#: Entries that one call copies to a store which has not got them.
_COPIED_AT_ONCE = 20
#: These are worth copying: ends, cut-offs, successors and dead tokens.
_COPIED = ("ended:", "ends:", "changes:", "rotated:", "seen:", "dead:")
#: Seconds after which another one may merge, when the one who was at it has crashed.
_MERGE_SECONDS = 8
#: Attempts, and seconds between two, to be the only one who merges.
_ATTEMPTS, _PAUSE = 50, 0.02


class Store(Protocol):
    """What is needed of a backend of Flask-Caching. Every call may raise anything."""

    def get(self, key: str, /) -> Any: ...
    def get_many(self, *keys: str) -> list[Any]: ...
    def set(self, key: str, value: Any, timeout: int, /) -> Any: ...
    def add(self, key: str, value: Any, timeout: int, /) -> Any: ...
    def delete(self, key: str, /) -> Any: ...
    def replace(self, key: str, value: Any, timeout: int, /) -> Any: ...
    def remove(self, key: str, value: Any, /) -> Any: ...


class LayeredState:
    """:class:`SharedState` in a store. Nothing that the store does reaches a caller.

    What this process wrote it remembers as well: it goes on with that when the store fails, and
    copies it when the store is back or has been emptied. Values are sealed, each for its key and
    client id (security R6): a store can neither read nor forge them, nor move one to another key.

    :param namespace: what every key begins with in the store; different for every client id.
    """

    def __init__(
        self,
        store: Store,
        memory: MemoryState,
        sealer: Sealer,
        breaker: Breaker,
        *,
        namespace: str,
        clock: Callable[[], float],
        combine: Combine | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.breaker = breaker
        self._store = store
        self._memory = memory
        self._sealer = sealer
        self._namespace = namespace
        self._clock = clock
        self._combine = combine or {}
        self._monotonic = monotonic
        # Not bound now: gevent may take its place later.
        self._sleep = sleep or (lambda seconds: time.sleep(seconds))
        self._life = b""
        self._look_at = 0.0
        self._failed = False
        self._lock = ProcessLock()
        #: What the store has not got, the oldest first.
        self._owed: dict[str, None] = {}

    @property
    def born(self) -> float:
        # The life is a random name, and the moment at which it began in milliseconds.
        return int.from_bytes(self._life[-8:], "big") / 1000

    def get(self, key: str) -> bytes | None:
        value: bytes | None = self.ask(key).value
        return value

    def ask(self, key: str) -> Answer:
        self._attend()
        found = self.breaker.call(self._store.get, self._name(key))
        return self._answer(key, found.given, found.value)

    def ask_all(self, keys: Sequence[str]) -> list[Answer]:
        self._attend()
        found = self.breaker.call(self._store.get_many, *map(self._name, keys))
        values = found.value if found.given else [None] * len(keys)
        return [
            self._answer(key, found.given, value) for key, value in zip(keys, values, strict=True)
        ]

    def set(self, key: str, value: bytes, seconds: int) -> None:
        seconds = max(1, seconds)
        self._attend()
        sealed = self._seal(key, value)
        stored = self.breaker.call(self._store.set, self._name(key), sealed, seconds)
        self._remember(key, value, seconds, stored=stored.given)

    def add(self, key: str, value: bytes, seconds: int) -> bool:
        seconds = max(1, seconds)
        self._attend()
        entry = self._memory.entry(key)
        if entry is not None and entry[1][:_LIFE_SIZE] != self._life:
            # What was added while the store was away counts.
            until, own = entry
            value, seconds = own[_LIFE_SIZE:], max(1, int(until - self._clock()))
        else:
            entry = None
        name, sealed = self._name(key), self._seal(key, value)
        added = self.breaker.call(self._store.add, name, sealed, seconds)
        if not added.given:
            if entry is not None:
                return False
            self._owe(key)
            return self._memory.add(key, bytes(_LIFE_SIZE) + value, seconds)
        if not added.value:
            there = self.breaker.call(self._store.get, name)
            if not there.given:
                return False
            theirs = self._open(key, there.value)
            if theirs is not None:
                if entry is not None:
                    self._remember(key, theirs, seconds, stored=True)
                return False
            # Nobody who shares our password wrote this: it must not stand in the way.
            self.breaker.call(self._store.set, name, sealed, seconds)
        self._remember(key, value, seconds, stored=True)
        return entry is None

    def merge(self, key: str, value: bytes, seconds: int) -> None:
        self._attend()
        self._merge(key, value, max(1, seconds))

    def is_shared(self, key: str) -> bool:
        own = self._memory.get(key)
        return own is None or own[:_LIFE_SIZE] != bytes(_LIFE_SIZE)

    def delete(self, key: str) -> None:
        self._memory.delete(key)
        self.breaker.call(self._store.delete, self._name(key))

    def discard(self, key: str, value: bytes) -> None:
        own = self._memory.get(key)
        if own is not None and own[_LIFE_SIZE:] == value:
            self._memory.delete(key)
        name = self._name(key)
        sealed = self.breaker.call(self._store.get, name).value
        if self._open(key, sealed) == value:
            self.breaker.call(self._store.remove, name, sealed)

    def _answer(self, key: str, given: bool, sealed: Any) -> Answer:
        """What the store's answer means, with what this process remembers."""
        value = self._open(key, sealed)
        own = self._memory.get(key)
        if value is not None:
            if own is not None and self._merges(key):
                value = rule_for(key, self._combine)(value, own[_LIFE_SIZE:])
            return Answer(True, value)
        if own is None:
            return Answer(given)
        if given and own[:_LIFE_SIZE] == self._current_life():
            # The store had it, and lost nothing since: its time was over, or somebody deleted it.
            self._memory.delete(key)
            return Answer(True)
        return Answer(given, own[_LIFE_SIZE:])

    def _name(self, key: str) -> str:
        return f"{self._namespace}:{key}"

    def _seal(self, key: str, value: bytes) -> bytes:
        return self._sealer.seal(value, name=key).encode()

    def _open(self, key: str, sealed: Any) -> bytes | None:
        if not isinstance(sealed, bytes):
            return None
        return self._sealer.open(sealed.decode("latin-1"), name=key)

    def _remember(self, key: str, value: bytes, seconds: int, *, stored: bool) -> None:
        life = self._life if stored else b""
        self._memory.set(key, (life or bytes(_LIFE_SIZE)) + value, seconds)
        if not life:
            self._owe(key)

    def _merges(self, key: str) -> bool:
        return key.startswith(tuple(self._combine))

    def _merge(self, key: str, value: bytes, seconds: int) -> None:
        """One at a time, with what the store has and what of ours it has not got."""
        rule, name = rule_for(key, self._combine), self._name(key)
        with self._alone(name):
            found = self.breaker.call(self._store.get, name)
            there, own = self._open(key, found.value), self._memory.get(key)
            if own is not None:
                value = rule(own[_LIFE_SIZE:], value)
            if there is not None:
                value = rule(there, value)
            stored = found.given
            # What is there already is not written again: it would last only as long as ours.
            if stored and value != there:
                sealed = self._seal(key, value)
                stored = self.breaker.call(self._store.set, name, sealed, seconds).given
            self._remember(key, value, seconds, stored=stored)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Keep others from merging what lies under a name. Not for longer than a second: to have
        it recorded is more than to be alone."""
        lock, mine = name + ":merging", os.urandom(16)
        for _ in range(_ATTEMPTS):
            taken = self.breaker.call(self._store.add, lock, mine, _MERGE_SECONDS)
            if taken.value or not taken.given:
                break
            self._sleep(_PAUSE)
        try:
            yield
        finally:
            self.breaker.call(self._store.remove, lock, mine)

    def _attend(self) -> None:
        """Notice that the store is back, or was emptied, and give it what it has not got."""
        failing = self.breaker.failing
        if not self._life or self._monotonic() >= self._look_at or failing != self._failed:
            self._failed = failing
            self._look_at = self._monotonic() + LIFE_SECONDS
            self._current_life()
        if self._owed and not self.breaker.failing:
            self._copy()

    def _owe(self, key: str) -> None:
        if key.startswith(_COPIED):
            with self._lock:
                self._owed[key] = None
                while len(self._owed) > self._memory.capacity:
                    del self._owed[next(iter(self._owed))]

    def _copy(self) -> None:
        with self._lock:
            some = list(self._owed)[:_COPIED_AT_ONCE]
            for key in some:
                del self._owed[key]
        for key in some:
            entry = self._memory.entry(key)
            if entry is None or entry[1][:_LIFE_SIZE] == self._life:
                continue
            until, own = entry
            value, seconds = own[_LIFE_SIZE:], max(1, int(until - self._clock()))
            if self._merges(key):
                self._merge(key, value, seconds)
                continue
            sealed = self._seal(key, value)
            # Another process may have written something newer: then that counts.
            added = self.breaker.call(self._store.add, self._name(key), sealed, seconds)
            self._remember(key, value, seconds, stored=added.given)

    def _current_life(self) -> bytes:
        """A random name that a store has from when it is empty to when it is emptied."""
        found = self.breaker.call(self._store.get, self._name(_LIFE))
        life = self._open(_LIFE, found.value)
        if found.given and life is None:
            born = int(self._clock() * 1000).to_bytes(8, "big")
            sealed = self._seal(_LIFE, os.urandom(_LIFE_SIZE - 8) + born)
            write = self._store.add if found.value is None else self._store.set
            self.breaker.call(write, self._name(_LIFE), sealed, _LIFE_SECONDS)
            life = self._open(_LIFE, self.breaker.call(self._store.get, self._name(_LIFE)).value)
        if life is None or len(life) != _LIFE_SIZE:
            return b""
        before, self._life = self._life, life
        if before and before != life:
            # Whoever notices it: nobody will again.
            for key, _, value in self._memory.items():
                if value[:_LIFE_SIZE] != life:
                    self._owe(key)
        return life
