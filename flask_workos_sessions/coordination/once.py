"""What is done once among all processes, though several are asked to, and more than once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from .shared_state import SharedState

#: Seconds after which somebody who has begun and not ended is taken to have crashed.
BEGUN_SECONDS = 60
#: Seconds for which it is remembered: WorkOS sends a webhook again for three days.
DONE_SECONDS = 4 * 86_400

_BEGUN, _DONE = b"begun", b"done"


class Turn(Enum):
    """Whose turn it is to do something."""

    MINE = "mine"
    #: Somebody is at it; whether it succeeds is not known yet.
    ANOTHER = "another"
    #: It has been done.
    NOBODY = "nobody"
    #: That cannot be found out: the shared state cannot be used.
    UNKNOWN = "unknown"


class Once:
    """Remembers by name what was done. Who is killed on the way has not done it.

    :param digests: hashes a name under every password, so that the state holds none, and
        processes with different ones in use find each other's marks.
    """

    def __init__(
        self, state: SharedState, digests: Callable[[str, str], Sequence[str]], purpose: str
    ) -> None:
        self._state = state
        self._digests = digests
        self._purpose = purpose

    def begin(self, name: str) -> Turn:
        """Ask whose turn it is; :attr:`Turn.MINE` is followed by :meth:`done` or :meth:`undo`."""
        mine: list[str] = []
        for key in self._keys(name):
            turn = self._begin(key)
            if turn is Turn.MINE:
                mine.append(key)
                continue
            for each in mine:
                self._state.delete(each)
            return turn
        return Turn.MINE

    def done(self, name: str) -> None:
        """It succeeded."""
        for key in self._keys(name):
            self._state.set(key, _DONE, DONE_SECONDS)

    def undo(self, name: str) -> None:
        """It failed: the next one who asks may try."""
        for key in self._keys(name):
            self._state.delete(key)

    def _begin(self, key: str) -> Turn:
        first = self._state.add(key, _BEGUN, BEGUN_SECONDS)
        if not self._state.is_shared(key):
            if first:
                self._state.delete(key)
            return Turn.UNKNOWN
        if first:
            return Turn.MINE
        there = self._state.ask(key)
        if there.value == _DONE:
            return Turn.NOBODY
        return Turn.ANOTHER if there.given else Turn.UNKNOWN

    def _keys(self, name: str) -> list[str]:
        # In one order everywhere: of two who begin at once, one is first.
        return sorted(f"{self._purpose}:{each}" for each in self._digests(self._purpose, name))
