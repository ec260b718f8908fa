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

    :param start: what the clock shows when it is first read; the present when not given.
    """

    def __init__(self, start: float | None = None) -> None:
        self._lock = threading.Lock()
        self._running = True
        self._shown = time.time() if start is None else float(start)
        # With a start it runs from the first reading: MovableClock(1000).freeze() shows 1000 sharp.
        self._since = time.monotonic() if start is None else None

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
            self._shown, self._since = float(to), None
        return self

    def freeze(self) -> Self:
        """Stand still: from now on only :meth:`advance` and :meth:`set` move it."""
        with self._lock:
            self._shown, self._since = self._now(), None
            self._running = False
        return self

    def run(self) -> Self:
        """Run on after :meth:`freeze`, from what is shown."""
        with self._lock:
            self._shown, self._since = self._now(), time.monotonic()
            self._running = True
        return self

    def _now(self) -> float:
        if not self._running:
            return self._shown
        present = time.monotonic()
        if self._since is None:
            self._since = present
        return self._shown + (present - self._since)
