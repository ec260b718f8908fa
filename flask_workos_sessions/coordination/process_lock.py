"""A lock that a child process does not inherit locked."""

from __future__ import annotations

import os
import threading
from types import TracebackType


class ProcessLock:
    """A mutex among the threads of one process.

    A plain lock that another thread holds during a fork stays held in the child for ever, for
    that thread does not exist there. Here every process has one of its own.
    """

    __slots__ = ("_locks",)

    def __init__(self) -> None:
        self._locks = {os.getpid(): threading.Lock()}

    def __enter__(self) -> None:
        pid = os.getpid()
        lock = self._locks.get(pid)
        if lock is None:
            # In one step: of many threads that come first, all get the same.
            lock = self._locks.setdefault(pid, threading.Lock())
        lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._locks[os.getpid()].release()
