"""Messages between processes through Redis (PUBLISH and SUBSCRIBE)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from .bell import Bell, Receive
from .breaker import Breaker, Wording
from .redis_backend import RedisBackend, connect
from .sealed_store import Store
from .shared_state import SharedState

#: Seconds for the answer to a subscription.
CONFIRM_SECONDS = 1.0
#: Seconds of silence after which Redis is asked whether it is there, and after which it is not.
PING_SECONDS, SILENCE_SECONDS = 5.0, 10.0

_WORDING = Wording(
    "channel for news",
    "used",
    "pages are told of news half a second later",
    "see that Redis lets this user publish and subscribe",
)


class Silent(Exception):
    """Redis does not answer."""


def bell_of(state: SharedState, store: Store | None, namespace: str) -> Bell:
    """The bell for processes that share this store; with a channel, if it is Redis."""
    if isinstance(store, RedisBackend):
        return Bell(state, RedisChannel(store, f"{namespace}:news"))
    return Bell(state)


class RedisChannel:
    """A channel in Redis. What is sent is read by nobody else: its name is our namespace's.

    It has a breaker of its own, for a Redis that serves keys may still refuse channels.
    """

    def __init__(
        self,
        backend: RedisBackend,
        name: str,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backend = backend
        self._name = name
        self._breaker = Breaker(_WORDING, fatal=False)
        self._monotonic = monotonic

    def publish(self, message: str) -> None:
        self._breaker.call(self._backend.publish, self._name, message)

    @contextmanager
    def subscribe(self) -> Iterator[Receive]:
        """Messages from now on, on a connection of its own.

        :raises Silent: here and when waiting, when Redis does not answer.
        """
        with (
            closing(connect(self._backend.url)) as client,
            closing(client.pubsub()) as pubsub,  # type: ignore[no-untyped-call]
        ):
            subscription = _Subscription(pubsub, self._monotonic)
            subscription.begin(self._name)
            yield subscription.receive


class _Subscription:
    def __init__(self, pubsub: Any, monotonic: Callable[[], float]) -> None:
        self._pubsub = pubsub
        self._monotonic = monotonic
        self._heard_at = monotonic()
        self._pinged = False

    def begin(self, name: str) -> None:
        self._pubsub.subscribe(name)
        until = self._monotonic() + CONFIRM_SECONDS
        while self._monotonic() < until:
            answer = self._next(CONFIRM_SECONDS)
            if answer is not None and answer["type"] == "subscribe":
                return
        raise Silent

    def receive(self, seconds: float) -> str | None:
        answer = self._next(seconds)
        if answer is None:
            silence = self._monotonic() - self._heard_at
            if silence > SILENCE_SECONDS:
                raise Silent
            if silence > PING_SECONDS and not self._pinged:
                self._pinged = True
                self._pubsub.ping()
            return None
        if answer["type"] != "message":
            return None
        data: bytes = answer["data"]
        return data.decode("latin-1")

    def _next(self, seconds: float) -> Any:
        answer = self._pubsub.get_message(timeout=seconds)
        if answer is not None:
            self._heard_at, self._pinged = self._monotonic(), False
        return answer
