"""Work that goes on beside a request, so that its result is kept when the request has given up."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

#: Calls to WorkOS at the same time, per process.
WORKERS = 8
#: Calls that may wait for a worker; beyond that a caller is told to come back.
QUEUE = 64


class Background:
    """A small thread pool of this process. A child process starts its own after a fork."""

    def __init__(self, workers: int = WORKERS, queue: int = QUEUE) -> None:
        self._workers = workers
        self._room = workers + queue
        self._lock = threading.Lock()
        self._pid = -1
        self._waiting = 0
        self._pool: ThreadPoolExecutor | None = None

    def submit(self, call: Callable[..., T], *arguments: Any) -> Future[T] | None:
        """Run ``call`` soon; ``None`` when too much is waiting already."""
        pid = os.getpid()
        if pid != self._pid:
            # A lock that was held during the fork would stay held: the child makes its own.
            self._lock = threading.Lock()
            self._pid, self._waiting = pid, 0
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="workos-sessions")
        assert self._pool is not None
        with self._lock:
            if self._waiting >= self._room:
                return None
            self._waiting += 1
        future = self._pool.submit(call, *arguments)
        future.add_done_callback(self._done)
        return future

    def _done(self, _: Future[Any]) -> None:
        with self._lock:
            self._waiting -= 1
