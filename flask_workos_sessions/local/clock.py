"""A clock that a test can move."""

from __future__ import annotations

import threading
import time
from typing import Self


class MovableClock:
    """Seconds since the epoch, as ``time.time()`` gives them, and movable.

    It runs along with the machine's clock, until :meth:`freeze`. Give the same object to
    :class:`~flask_workos_sessions.local.LocalWorkOS` and to the extension, and both agree::

        clock = MovableClock()
        workos = LocalWorkOS(clock=clock)
        sessions = WorkOSSessions(app, clock=clock)
        clock.advance(301)

    :param start: what the clock shows at first; the present when not given.
    """

    def __init__(self, start: float | None = None) -> None:
        self._lock = threading.Lock()
        self._running = True
        self._shown = time.time() if start is None else float(start)
        self._since = time.monotonic()

    def __call__(self) -> float:
        with self._lock:
            return self._now()

    def advance(self, seconds: float) -> Self:
        """Move forward; backward when ``seconds`` is negative."""
        with self._lock:
            self._shown += seconds
        return self

    def set(self, to: float) -> Self:
        """Show ``to`` (seconds since the epoch) now. A frozen clock stays frozen."""
        with self._lock:
            self._shown = float(to)
            self._since = time.monotonic()
        return self

    def freeze(self) -> Self:
        """Stand still: from now on only :meth:`advance` and :meth:`set` move it."""
        with self._lock:
            self._shown = self._now()
            self._running = False
        return self

    def run(self) -> Self:
        """Run on after :meth:`freeze`, from what is shown."""
        with self._lock:
            self._shown = self._now()
            self._since = time.monotonic()
            self._running = True
        return self

    def _now(self) -> float:
        return self._shown + (time.monotonic() - self._since if self._running else 0.0)
