"""Shared state in a store, with this process's own memory beside it."""

from __future__ import annotations

import os
from typing import Any, Protocol

from ..sealing.seal import Sealer
from .breaker import Breaker
from .memory import MemoryState

#: Under this name a store says which life it is in: it is gone when the store was emptied.
_LIFE = "life"
_LIFE_SIZE = 16
_LIFE_SECONDS = 30 * 24 * 3600


class Store(Protocol):
    """What is needed of a backend of Flask-Caching. Every call may raise anything."""

    def get(self, key: str, /) -> Any: ...
    def set(self, key: str, value: Any, timeout: int, /) -> Any: ...
    def add(self, key: str, value: Any, timeout: int, /) -> Any: ...
    def delete(self, key: str, /) -> Any: ...
    def replace(self, key: str, value: Any, timeout: int, /) -> Any: ...
    def remove(self, key: str, value: Any, /) -> Any: ...


class LayeredState:
    """:class:`SharedState` in a store. Nothing that the store does reaches a caller.

    What this process wrote it remembers as well, and goes on with that when the store fails or has
    been emptied. Values are sealed, each for its key and client id (security R6): a store can
    neither read nor forge them, nor move one to another key.

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
    ) -> None:
        self.breaker = breaker
        self._store = store
        self._memory = memory
        self._sealer = sealer
        self._namespace = namespace
        self._life = b""

    def get(self, key: str) -> bytes | None:
        found = self.breaker.call(self._store.get, self._name(key))
        value = self._open(key, found.value)
        if value is not None:
            return value
        own = self._memory.get(key)
        if own is None:
            return None
        if found.given and own[:_LIFE_SIZE] == self._current_life():
            # The store had it, and lost nothing since: its time was over, or somebody deleted it.
            self._memory.delete(key)
            return None
        return own[_LIFE_SIZE:]

    def set(self, key: str, value: bytes, seconds: int) -> None:
        seconds = max(1, seconds)
        self._learn_life()
        sealed = self._seal(key, value)
        stored = self.breaker.call(self._store.set, self._name(key), sealed, seconds)
        self._remember(key, value, seconds, stored=stored.given)

    def add(self, key: str, value: bytes, seconds: int) -> bool:
        seconds = max(1, seconds)
        self._learn_life()
        name, sealed = self._name(key), self._seal(key, value)
        added = self.breaker.call(self._store.add, name, sealed, seconds)
        if not added.given:
            return self._memory.add(key, bytes(_LIFE_SIZE) + value, seconds)
        if not added.value:
            there = self.breaker.call(self._store.get, name)
            if there.value is None or self._open(key, there.value) is not None:
                return False
            # Nobody who shares our password wrote this: it must not stand in the way.
            self.breaker.call(self._store.set, name, sealed, seconds)
        own = self._memory.get(key)
        self._remember(key, value, seconds, stored=True)
        # What was added while the store was away counts.
        return own is None or own[:_LIFE_SIZE] == self._life

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

    def _name(self, key: str) -> str:
        return f"{self._namespace}:{key}"

    def _seal(self, key: str, value: bytes) -> bytes:
        return self._sealer.seal(value, name=key).encode()

    def _open(self, key: str, sealed: Any) -> bytes | None:
        if not isinstance(sealed, bytes):
            return None
        return self._sealer.open(sealed.decode("latin-1"), name=key)

    def _remember(self, key: str, value: bytes, seconds: int, *, stored: bool) -> None:
        self._memory.set(key, (self._life if stored else bytes(_LIFE_SIZE)) + value, seconds)

    def _learn_life(self) -> None:
        if not self._life:
            self._current_life()

    def _current_life(self) -> bytes:
        """A random name that a store has from when it is empty to when it is emptied."""
        name = self._name(_LIFE)
        life = self.breaker.call(self._store.get, name).value
        if life is None:
            self.breaker.call(self._store.add, name, os.urandom(_LIFE_SIZE), _LIFE_SECONDS)
            life = self.breaker.call(self._store.get, name).value
        self._life = life if isinstance(life, bytes) and len(life) == _LIFE_SIZE else b""
        return self._life
