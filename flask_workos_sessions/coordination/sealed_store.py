"""A store that can neither read nor forge what it keeps, and whose faults reach nobody."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from ..sealing.seal import Sealer
from .breaker import Answer, Breaker

#: Ends and changes: nobody takes one back before its time is over, and they outlast a change of the
#: password.
LASTING = ("ended:", "ends:", "changes:")
#: The password is changed, and these are still to be read: also in which life a store is.
_OUTLASTING = (*LASTING, "life")
#: Seconds after which another one is alone with a key, when the one who was has crashed.
_ALONE_SECONDS = 8
#: Attempts, and seconds between two, to be alone.
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


class SealedStore:
    """Keeps values sealed, each for its key and client id (security R6), so that none can be moved
    to another key either. What is lasting is sealed under every password.

    Whether a call reached the store is said by ``given`` of its answer. What nobody who shares our
    passwords has written counts as missing.

    :param namespace: what every key begins with in the store; different for every client id.
    """

    def __init__(
        self,
        backend: Store,
        sealer: Sealer,
        breaker: Breaker,
        *,
        namespace: str,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.backend = backend
        self.breaker = breaker
        self._sealer = sealer
        self._namespace = namespace
        # Not bound now: gevent may take its place later.
        self._sleep = sleep or (lambda seconds: time.sleep(seconds))

    def name(self, key: str) -> str:
        """The name of a key in the store."""
        return f"{self._namespace}:{key}"

    def get(self, key: str) -> Answer:
        """The value under a key, or ``None``."""
        given, sealed = self.breaker.call(self.backend.get, self.name(key))
        return Answer(given, self._open(key, sealed))

    def get_many(self, keys: Sequence[str]) -> list[Answer]:
        """The values under several keys, in one question."""
        given, found = self.breaker.call(self.backend.get_many, *map(self.name, keys))
        nothing = Answer(given)
        if not given:
            return [nothing] * len(keys)
        # As a rule there is none: that is asked once a second for every session.
        return [
            nothing if sealed is None else Answer(given, self._open(key, sealed))
            for key, sealed in zip(keys, found, strict=True)
        ]

    def set(self, key: str, value: bytes, seconds: int) -> bool:
        """Keep a value; whether it is kept."""
        sealed = self._seal(key, value)
        return self.breaker.call(self.backend.set, self.name(key), sealed, seconds).given

    def add(self, key: str, value: bytes, seconds: int) -> Answer:
        """Keep a value unless there is one; whether it was kept."""
        sealed = self._seal(key, value)
        added = self.breaker.call(self.backend.add, self.name(key), sealed, seconds)
        if not added.given or added.value:
            return added
        there = self.breaker.call(self.backend.get, self.name(key))
        if not there.given or self._open(key, there.value) is not None:
            return Answer(there.given, False)
        if there.value is None:
            # It has run out since, or an older copy of the store was asked.
            return self.breaker.call(self.backend.add, self.name(key), sealed, seconds)
        # What is there is nobody's: it must not stand in the way.
        return Answer(self.set(key, value, seconds), True)

    def delete(self, key: str) -> None:
        """Forget a value."""
        self.breaker.call(self.backend.delete, self.name(key))

    def discard(self, key: str, value: bytes) -> None:
        """Forget a value if it is still this one."""
        name = self.name(key)
        sealed = self.breaker.call(self.backend.get, name).value
        if self._open(key, sealed) == value:
            self.breaker.call(self.backend.remove, name, sealed)

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Keep others who ask the same from writing under a key. Not for longer than a second: to
        have something recorded is more than to be alone."""
        lock, mine = self.name(key) + ":merging", os.urandom(16)
        for _ in range(_ATTEMPTS):
            taken = self.breaker.call(self.backend.add, lock, mine, _ALONE_SECONDS)
            if taken.value or not taken.given:
                break
            self._sleep(_PAUSE)
        try:
            yield
        finally:
            self.breaker.call(self.backend.remove, lock, mine)

    def _seal(self, key: str, value: bytes) -> bytes:
        if key.startswith(_OUTLASTING):
            return " ".join(self._sealer.seal_all(value, name=key)).encode()
        return self._sealer.seal(value, name=key).encode()

    def _open(self, key: str, sealed: Any) -> bytes | None:
        if not isinstance(sealed, bytes):
            return None
        for each in sealed.decode("latin-1").split(" "):
            value = self._sealer.open(each, name=key)
            if value is not None:
                return value
        return None
