"""Events that happened, and of which nobody is told yet."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from .delivery import Delivery
from .events import LocalEvent


class HeldWebhooks:
    """Events that are not delivered yet, oldest first: see ``hold_webhooks``."""

    def __init__(
        self,
        lock: AbstractContextManager[bool],
        deliver: Callable[[list[LocalEvent]], list[Delivery]],
    ) -> None:
        self._lock = lock
        self._deliver = deliver
        self.events: list[LocalEvent] = []

    def release(self, *, reverse: bool = False) -> list[Delivery]:
        """Deliver one after the other, the newest first when ``reverse``; wait for the answers."""
        released = self._taken()
        return self._deliver(released[::-1] if reverse else released)

    def drop(self) -> None:
        """Lose what is held: it is in the log of events, but never delivered."""
        self._taken()

    def _taken(self) -> list[LocalEvent]:
        with self._lock:
            taken, self.events = self.events, []
        return taken
