"""Rung when an end or a change was recorded, so that open pages need not wait for their poll."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from .process_lock import ProcessLock
from .shared_state import SharedState

log = logging.getLogger("flask_workos_sessions")

#: Seconds between two looks for news, while somebody waits for them.
LOOK_SECONDS = 0.5
#: Seconds before a channel that failed is tried again: at first, and at most.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0

#: Under this name the shared state has a random value, which is another one after every ring.
_NEWS = "news"
_NEWS_SECONDS = 60

#: Waits at most so many seconds for a message; ``None`` when there was none.
Receive = Callable[[float], str | None]
#: Told under which keys something was recorded; ``None``: under any.
Listener = Callable[[Collection[str] | None], None]


class Channel(Protocol):
    """Carries messages between processes, at once and without a promise."""

    def publish(self, message: str) -> None:
        """Send to whoever listens. Raises nothing."""
        ...

    def subscribe(self) -> AbstractContextManager[Receive]:
        """Listen. Everything in it may raise anything."""
        ...


class Bell:
    """Tells every process that something was recorded.

    A channel carries the keys, which are hashes. Without one, and while it fails, a thread looks
    at one key of the shared state every half second. That thread lives only while somebody waits.
    """

    def __init__(
        self,
        state: SharedState,
        channel: Channel | None = None,
    ) -> None:
        self._state = state
        self._channel = channel
        self._lock = ProcessLock()
        self._thread: tuple[int, threading.Thread] | None = None
        self._hear: Listener = lambda keys: None
        self._wake: Listener = lambda keys: None
        self._needed: Callable[[], bool] = lambda: False

    def connect(self, *, hear: Listener, wake: Listener, needed: Callable[[], bool]) -> None:
        """Say who wants to know.

        :param hear: called first when another process may have recorded something.
        :param wake: called then, and when this process has.
        :param needed: whether anybody waits.
        """
        self._hear, self._wake, self._needed = hear, wake, needed

    def ring(self, keys: Sequence[str]) -> None:
        """This process has recorded something under ``keys``. Raises nothing."""
        self._wake(keys)
        self._state.set(_NEWS, os.urandom(8), _NEWS_SECONDS)
        if self._channel is not None:
            self._channel.publish(" ".join(keys))

    def attend(self) -> None:
        """Somebody waits from now on.

        :raises RuntimeError: there can be no thread more.
        """
        with self._lock:
            pid = os.getpid()
            if self._thread is not None and self._thread[0] == pid and self._thread[1].is_alive():
                return
            thread = threading.Thread(target=self._listen, name="workos-news", daemon=True)
            # Under the lock: one that has not begun yet does not live, and would be replaced.
            thread.start()
            self._thread = (pid, thread)

    def _listen(self) -> None:
        # What was recorded before the first look is news, for all that is known here.
        looking = _Looking(self._state)
        pause, again_at = FIRST_PAUSE, 0.0
        while not self._finished():
            if self._channel is not None and time.monotonic() >= again_at:
                try:
                    with self._channel.subscribe() as receive:
                        # What came between the last look and the first message.
                        self._look(looking)
                        pause = FIRST_PAUSE
                        self._follow(receive)
                    continue
                except Exception as fault:
                    # Its text may hold an address.
                    log.warning(
                        "News cannot be received at once (%s): looked for every half second.",
                        type(fault).__name__,
                    )
                    # Not all processes at the same moment.
                    again_at = time.monotonic() + pause * random.uniform(0.5, 1)  # noqa: S311
                    pause = min(2 * pause, LONGEST_PAUSE)
            self._look(looking)
            time.sleep(LOOK_SECONDS)  # as gevent has patched it, after this module was loaded

    def _follow(self, receive: Receive) -> None:
        while self._needed():
            message = receive(LOOK_SECONDS)
            if message is not None:
                self._tell(message.split(" "))

    def _look(self, looking: _Looking) -> None:
        if looking.finds_news():
            self._tell(None)

    def _tell(self, keys: Collection[str] | None) -> None:
        self._hear(keys)
        self._wake(keys)

    def _finished(self) -> bool:
        # Under the lock: who comes now either is seen here, or finds no thread and starts one.
        with self._lock:
            if self._needed():
                return False
            self._thread = None
            return True


class _Looking:
    """Compares what the shared state has with what it had."""

    def __init__(self, state: SharedState) -> None:
        self._state = state
        self._seen: bytes | None = None
        self._first = True

    def finds_news(self) -> bool:
        found, first = self._state.get(_NEWS), self._first
        self._first = False
        # A value whose time is over says nothing.
        if found is None or found == self._seen:
            return first
        self._seen = found
        return True
