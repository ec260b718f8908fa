"""How many sessions are refreshed because of a change, and not because of their age."""

from __future__ import annotations

import random
from collections.abc import Callable

from ..coordination.process_lock import ProcessLock
from ..coordination.shared_state import SharedState

#: Refreshes a second and process.
PER_SECOND = 10
#: … and of all processes together: half of the hundred that WorkOS allows an API key (6,000 in a
#: minute), for people also sign in, and tokens run out.
OF_ALL = 50
#: Places that are asked for before others are taken to have them all.
_TRIES = 3
#: Seconds for which a place is remembered: hosts' clocks differ a little.
_PLACE_SECONDS = 2


class Pace:
    """So many in a second, and no more: a changed role can touch thousands of sessions at once.

    :param state: where all processes have their places.
    """

    def __init__(
        self,
        state: SharedState,
        *,
        clock: Callable[[], float],
        per_second: int = PER_SECOND,
        of_all: int = OF_ALL,
    ) -> None:
        self._state = state
        self._clock = clock
        self._per_second = per_second
        self._of_all = of_all
        self._lock = ProcessLock()
        self._second = 0
        self._taken = 0
        self._place = 0

    def take(self) -> bool:
        """Whether one more may go now."""
        second = int(self._clock())
        with self._lock:
            if second != self._second:
                self._second, self._taken = second, 0
                self._place = random.randrange(self._of_all)  # noqa: S311
            if self._taken >= self._per_second:
                return False
            self._taken += 1
        return any(self._take_place(second) for _ in range(_TRIES))

    def _take_place(self, second: int) -> bool:
        with self._lock:
            place = self._place
            self._place = (place + 1) % self._of_all
        if self._state.add(f"pace:{second}:{place}", b"1", _PLACE_SECONDS):
            return True
        with self._lock:
            # Another process goes round here.
            self._place = random.randrange(self._of_all)  # noqa: S311
        return False
