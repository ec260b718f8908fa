"""One line in the log for many refusals: a flood must not fill a disk."""

from __future__ import annotations

import time
from collections.abc import Callable

from .coordination.process_lock import ProcessLock

#: Seconds between two lines of one process.
PAUSE_SECONDS = 10.0


class Throttle:
    """Admits one line in ten seconds, and counts those that it held back."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = ProcessLock()
        self._next = float("-inf")
        self._held = 0

    def admit(self) -> int | None:
        """How many were held back since the last line; ``None``: hold this one back too."""
        now = self._monotonic()
        with self._lock:
            if now < self._next:
                self._held += 1
                return None
            self._next = now + PAUSE_SECONDS
            held, self._held = self._held, 0
            return held
