"""How many calls a process makes in vain: a flood of them must not use up what all need."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from .process_lock import ProcessLock

#: Exchanges of a code per process: in vain within so many seconds, and at once.
IN_VAIN, SECONDS, AT_ONCE = 20, 10.0, 4


@dataclass(slots=True)
class _Calls:
    """The calls of one process; those of its parent never end here."""

    pid: int = field(default_factory=os.getpid)
    in_vain: deque[float] = field(default_factory=deque)
    running: int = 0


class Budget:
    """At most four calls at once, and twenty in ten seconds that came to nothing (security R4).

    What succeeds costs nothing: it shows that somebody was let through elsewhere, and many honest
    people may come at the same time.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = ProcessLock()
        self._calls = _Calls()

    def take(self) -> float:
        """0 when a call may be made, which :meth:`give_back` must end; else seconds to wait."""
        with self._lock:
            calls, now = self._of_this_process(), self._clock()
            # One from the future: the clock was set back since.
            while calls.in_vain and not 0 <= now - calls.in_vain[0] < SECONDS:
                calls.in_vain.popleft()
            if len(calls.in_vain) >= IN_VAIN:
                return calls.in_vain[0] + SECONDS - now
            if calls.running >= AT_ONCE or calls.running + len(calls.in_vain) >= IN_VAIN:
                return 1.0
            calls.running += 1
            return 0.0

    def give_back(self, *, in_vain: bool) -> None:
        """A call has ended."""
        with self._lock:
            calls = self._of_this_process()
            calls.running = max(0, calls.running - 1)
            if in_vain:
                calls.in_vain.append(self._clock())

    def _of_this_process(self) -> _Calls:
        if self._calls.pid != os.getpid():
            self._calls = _Calls()
        return self._calls
