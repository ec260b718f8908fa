"""Work that goes on beside a request, so that its result is kept when the request has given up."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from .process_lock import ProcessLock

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
        self._lock = ProcessLock()
        self._pid = -1
        self._waiting = 0
        self._pool: ThreadPoolExecutor | None = None

    def submit(self, call: Callable[..., T], *arguments: Any) -> Future[T] | None:
        """Run ``call`` soon; ``None`` when too much is waiting already."""
        with self._lock:
            pool, pid = self._pool, os.getpid()
            if pool is None or self._pid != pid:
                pool = ThreadPoolExecutor(self._workers, thread_name_prefix="workos-sessions")
                self._pool, self._pid, self._waiting = pool, pid, 0
            if self._waiting >= self._room:
                return None
            self._waiting += 1
        future = pool.submit(call, *arguments)
        future.add_done_callback(self._done)
        return future

    def _done(self, _: Future[Any]) -> None:
        with self._lock:
            self._waiting -= 1
