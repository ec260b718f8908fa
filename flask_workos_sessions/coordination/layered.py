"""Shared state in a store, with this process's own memory beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from .breaker import Answer, Breaker
from .memory import MemoryState
from .process_lock import ProcessLock
from .sealed_store import LASTING, SealedStore
from .shared_state import Combine, rule_for

#: Under this name a store says which life it is in: it is gone when the store was emptied.
_LIFE = "life"
_LIFE_SIZE = 16
_LIFE_SECONDS = 400 * 24 * 3600
#: The life of what the store has not got.
_NOT_STORED = bytes(_LIFE_SIZE)
#: Seconds between two looks at it.
LIFE_SECONDS = 5.0
#: Entries that one call copies to a store which has not got them.
_COPIED_AT_ONCE = 20
#: These are worth copying: ends, cut-offs, successors, dead tokens, and what receivers were told.
_COPIED = (*LASTING, "rotated:", "seen:", "dead:", "event:")
#: Others end these early, once a browser has the successor (security R2): the store alone knows.
_TAKEN_BACK = "rotated:"
#: Seconds before its end from which something may be missing: hosts' clocks differ.
_NEARLY_OVER = 600
#: Seconds from one life to the next, when the store is found to lose things again and again.
_LIVES_APART = 60.0


class LayeredState:
    """:class:`SharedState` in a store. Nothing that the store does reaches a caller.

    What this process wrote it remembers as well: it goes on with that when the store fails, and
    copies it when the store is back or has lost something.
    """

    def __init__(
        self,
        store: SealedStore,
        memory: MemoryState,
        *,
        clock: Callable[[], float],
        combine: Combine | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._memory = memory
        self._clock = clock
        self._combine = combine or {}
        self._monotonic = monotonic
        self._life = b""
        self._look_at = 0.0
        self._failed = False
        self._lock = ProcessLock()
        #: What the store has not got, the oldest first.
        self._owed: dict[str, None] = {}
        #: What it had, and what was not found when it was asked for it.
        self._missed: set[str] = set()
        #: What it got last of what lasts: what it loses first when it goes back to an older copy.
        self._last = ""
        #: Whether it has lost something, and nobody has been told yet; and when one was, last.
        self._doubted = False
        self._told_at = float("-inf")

    @property
    def breaker(self) -> Breaker:
        """Tells whether the store fails."""
        return self._store.breaker

    @property
    def born(self) -> float:
        return _birth(self._life) / 1000

    def get(self, key: str) -> bytes | None:
        value: bytes | None = self.ask(key).value
        return value

    def ask(self, key: str) -> Answer:
        self._attend()
        return self._answer(key, self._store.get(key))

    def ask_all(self, keys: Sequence[str]) -> list[Answer]:
        self._attend()
        answers = self._store.get_many(keys)
        return [self._answer(key, found) for key, found in zip(keys, answers, strict=True)]

    def set(self, key: str, value: bytes, seconds: int) -> None:
        seconds = max(1, seconds)
        self._attend(key)
        stored = self._store.set(key, value, seconds)
        self._remember(key, value, seconds, stored=stored, written=stored)

    def add(self, key: str, value: bytes, seconds: int) -> bool:
        seconds = max(1, seconds)
        self._attend(key)
        entry = self._memory.entry(key)
        if entry is not None and entry[1][:_LIFE_SIZE] != self._life:
            # What was added while the store was away counts.
            self._give(key, entry[1][_LIFE_SIZE:], self._left(entry[0]))
            return False
        given, added = self._store.add(key, value, seconds)
        if not given:
            self._owe(key)
            return self._memory.add(key, _NOT_STORED + value, seconds)
        if added:
            self._remember(key, value, seconds, stored=True, written=True)
        return bool(added)

    def merge(self, key: str, value: bytes) -> None:
        self._attend(key)
        self._merge(key, value)

    def is_shared(self, key: str) -> bool:
        own = self._memory.get(key)
        return own is None or own[:_LIFE_SIZE] != _NOT_STORED

    def delete(self, key: str) -> None:
        self._memory.delete(key)
        self._store.delete(key)

    def discard(self, key: str, value: bytes) -> None:
        own = self._memory.get(key)
        if own is not None and own[_LIFE_SIZE:] == value:
            self._memory.delete(key)
        self._store.discard(key, value)

    def _answer(self, key: str, found: Answer) -> Answer:
        """What the store's answer means, with what this process remembers."""
        own = self._memory.get(key)
        if own is None:
            return found
        ours = own[_LIFE_SIZE:]
        if found.value is not None:
            if not self._merges(key):
                return found
            value = rule_for(key, self._combine).merged(found.value, ours)
            if value != found.value and own[:_LIFE_SIZE] == self._current_life():
                self._miss(key)
            return Answer(True, value)
        taken_back = key.startswith(_TAKEN_BACK) and own[:_LIFE_SIZE] != _NOT_STORED
        if found.given and (
            taken_back or (own[:_LIFE_SIZE] == self._current_life() and not self._miss(key))
        ):
            # Its time was over, or somebody deleted it.
            self._memory.delete(key)
            return found
        return Answer(found.given, ours)

    def _miss(self, key: str) -> bool:
        """The store had this, in this life. Whether it should have it still: then it was set back
        to an older copy of itself; or an older copy was asked, and it has it all the same."""
        entry = self._memory.entry(key)
        if not key.startswith(LASTING) or entry is None or self._left(entry[0]) <= _NEARLY_OVER:
            return False
        with self._lock:
            self._missed.add(key)
        self._owe(key)
        return True

    def _remember(
        self, key: str, value: bytes, seconds: int, *, stored: bool, written: bool
    ) -> None:
        """``stored`` is whether the store has it, ``written`` whether it has got it just now."""
        life = self._life if stored else b""
        self._memory.set(key, (life or _NOT_STORED) + value, seconds)
        if not life:
            self._owe(key)
        elif written and key.startswith(LASTING):
            self._last = key

    def _merges(self, key: str) -> bool:
        return key.startswith(tuple(self._combine))

    def _merge(self, key: str, value: bytes) -> Answer:
        """One at a time, with what the store has and what of ours it has not got. Whether that is
        recorded, and whether it was before."""
        rule = rule_for(key, self._combine)
        with self._store.alone(key):
            stored, there = self._store.get(key)
            own = self._memory.get(key)
            if own is not None:
                value = rule.merged(own[_LIFE_SIZE:], value)
            if there is not None:
                value = rule.merged(there, value)
            seconds, had = rule.seconds(value, self._clock()), value == there
            if stored and not had:
                stored = self._store.set(key, value, seconds)
            self._remember(key, value, seconds, stored=stored, written=not had)
        return Answer(stored, had)

    def _give(self, key: str, value: bytes, seconds: int) -> Answer:
        """Give the store what cannot be merged, and is ours. Whether it has it, and had it before:
        this, or what another process has written. That counts then, and they remember it."""
        stored, added = self._store.add(key, value, seconds)
        if stored and not added and self._store.get(key).value not in (value, None):
            self._memory.delete(key)
        else:
            self._remember(key, value, seconds, stored=stored, written=bool(added))
        return Answer(stored, not added)

    def _attend(self, key: str = "") -> None:
        """Notice that the store is back, or has lost something, and give it what it has not got:
        before ``key`` is written, if one is."""
        failing = self.breaker.failing
        looks = not self._life or self._monotonic() >= self._look_at or failing != self._failed
        if looks:
            self._failed = failing
            self._look_at = self._monotonic() + LIFE_SECONDS
            self._current_life()
        # Before another one takes its place, too.
        if self._last and (looks or key.startswith(LASTING)):
            self._answer(self._last, self._store.get(self._last))
        if self._owed and not self.breaker.failing:
            self._copy()
        if self._doubted and self._monotonic() - self._told_at >= _LIVES_APART:
            self._tell()

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
            self._copy_one(key)

    def _copy_one(self, key: str) -> None:
        missed, entry = key in self._missed, self._memory.entry(key)
        if entry is None:
            stored = had = True  # its time was over
        elif entry[1][:_LIFE_SIZE] == self._life and not missed:
            return
        else:
            value = entry[1][_LIFE_SIZE:]
            merges = self._merges(key)
            stored, had = (
                self._merge(key, value) if merges else self._give(key, value, self._left(entry[0]))
            )
        if missed and stored:
            with self._lock:
                self._missed.discard(key)
            self._doubted = self._doubted or not had

    def _tell(self) -> None:
        """All that is older is doubted: with what the store has lost may be what no process knows
        (security R7)."""
        if self._store.set(_LIFE, self._new_life(), _LIFE_SECONDS):
            self._doubted, self._told_at = False, self._monotonic()
            self._current_life()

    def _left(self, until: float) -> int:
        return max(1, int(until - self._clock()))

    def _new_life(self) -> bytes:
        # Later than the one before, whatever the clock of this host says.
        born = max(int(self._clock() * 1000), _birth(self._life) + 1)
        return os.urandom(_LIFE_SIZE - 8) + born.to_bytes(8, "big")

    def _current_life(self) -> bytes:
        """A random name that a store has from when it is empty to when it is emptied, or is found
        to have lost something."""
        found = self._store.get(_LIFE)
        if found.given and found.value is None:
            self._store.add(_LIFE, self._new_life(), _LIFE_SECONDS)
            found = self._store.get(_LIFE)
        life: bytes = found.value or b""
        if len(life) != _LIFE_SIZE:
            return b""
        before = self._life
        if _birth(life) < _birth(before):
            # One that was over has come back: so has all that it had then, and nothing since.
            self._doubted = True
            return life
        self._life = life
        if before and before != life:
            # Whoever notices it: nobody will again.
            for key, _, value in self._memory.items():
                if value[:_LIFE_SIZE] != life and not key.startswith(_TAKEN_BACK):
                    self._owe(key)
        return life


def _birth(life: bytes) -> int:
    """A life is a random name, and the moment at which it began, in milliseconds."""
    return int.from_bytes(life[-8:], "big")
