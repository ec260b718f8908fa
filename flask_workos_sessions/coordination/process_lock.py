"""A lock that a child process does not inherit locked."""

from __future__ import annotations

import os
import threading
from types import TracebackType


class ProcessLock:
    """A mutex among the threads of one process.

    A plain lock that another thread holds during a fork stays held in the child for ever, for
    that thread does not exist there. This one is made anew in a child at its first use.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = (os.getpid(), threading.Lock())

    def __enter__(self) -> None:
        held, pid = self._held, os.getpid()
        if held[0] != pid:
            held = self._held = (pid, threading.Lock())
        held[1].acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held[1].release()
