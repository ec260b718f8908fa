"""Carries events to webhook endpoints: from a few threads, and again when that fails."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from .delivery import Delivery
from .loopback_post import LoopbackPosts
from .parcel import Parcel

#: Deliveries at once.
THREADS = 4

#: So many deliveries are noted; and so many may wait, of which the newest are lost.
KEPT = 20_000

#: Seconds that :meth:`Courier.stop` gives to the deliveries that it cut off.
STOP_SECONDS = 2.0


class Courier:
    """Delivers between :meth:`start` and :meth:`stop`.

    :param delays: real seconds before the second attempt, the third, …
    """

    def __init__(self, clock: Callable[[], float], delays: Iterable[float]) -> None:
        self._clock = clock
        self._delays = tuple(delays)
        self._posts = LoopbackPosts()
        self._changed = threading.Condition()
        self._waiting: list[tuple[float, int, Parcel]] = []
        self._numbers = itertools.count()
        self._busy = 0
        self._running = False
        self._threads: list[threading.Thread] = []
        self._journal: deque[Delivery] = deque(maxlen=KEPT)

    @property
    def journal(self) -> list[Delivery]:
        """The latest deliveries, oldest first."""
        with self._changed:
            return list(self._journal)

    def start(self) -> None:
        """Deliver from now on. The threads come with the first delivery."""
        with self._changed:
            self._running = True

    def stop(self) -> None:
        """Forget what waits, and end what is being sent."""
        with self._changed:
            self._running = False
            self._waiting.clear()
            threads, self._threads = self._threads, []
            self._changed.notify_all()
        self._posts.cut_off()
        for thread in threads:
            thread.join(STOP_SECONDS)

    def send(self, parcel: Parcel, delay: float = 0) -> None:
        """Deliver soon, or after ``delay`` (real seconds)."""
        with self._changed:
            if not self._running or len(self._waiting) >= KEPT:
                return
            due = time.monotonic() + delay
            heapq.heappush(self._waiting, (due, next(self._numbers), parcel))
            if not self._threads:
                self._threads = [
                    threading.Thread(target=self._work, name="local-workos-webhooks", daemon=True)
                    for _ in range(THREADS)
                ]
                for thread in self._threads:
                    thread.start()
            self._changed.notify_all()

    def attempt(self, parcel: Parcel) -> Delivery:
        """Deliver now, and wait for the answer."""
        status = self._posts.post(parcel.webhook.url, parcel.body, parcel.headers(self._clock))
        event = parcel.event
        done = Delivery(
            event.id, event.event, parcel.webhook.url, parcel.attempt, status, self._clock()
        )
        with self._changed:
            self._journal.append(done)
        return done

    def try_again(self, parcel: Parcel) -> None:
        """An attempt has failed: the next one comes later, if there is one."""
        if parcel.attempt <= len(self._delays):
            later = replace(parcel, attempt=parcel.attempt + 1)
            self.send(later, self._delays[parcel.attempt - 1])

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is left to deliver; ``False`` when it took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, seconds)

    def _work(self) -> None:
        while (parcel := self._take()) is not None:
            try:
                if parcel.webhook.enabled and not self.attempt(parcel).taken:
                    self.try_again(parcel)
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    def _take(self) -> Parcel | None:
        """The next parcel that is due; ``None`` when this thread is to end."""
        with self._changed:
            while threading.current_thread() in self._threads:
                now = time.monotonic()
                if self._waiting and self._waiting[0][0] <= now:
                    self._busy += 1
                    return heapq.heappop(self._waiting)[2]
                self._changed.wait(self._waiting[0][0] - now if self._waiting else None)
            return None
