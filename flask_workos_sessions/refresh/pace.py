"""How many sessions a process refreshes because of a change, and not because of their age."""

from __future__ import annotations

from collections.abc import Callable

from ..coordination.process_lock import ProcessLock

#: Refreshes a second and process: eight processes stay below the hundred a second that WorkOS
#: allows an API key (6,000 in a minute).
PER_SECOND = 10


class Pace:
    """So many in a second, and no more: a changed role can touch thousands of sessions at once."""

    def __init__(self, *, clock: Callable[[], float], per_second: int = PER_SECOND) -> None:
        self._clock = clock
        self._per_second = per_second
        self._lock = ProcessLock()
        self._second = 0
        self._taken = 0

    def take(self) -> bool:
        """Whether one more may go now."""
        second = int(self._clock())
        with self._lock:
            if second != self._second:
                self._second, self._taken = second, 0
            if self._taken >= self._per_second:
                return False
            self._taken += 1
            return True
