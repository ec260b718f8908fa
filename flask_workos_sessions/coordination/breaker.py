"""A store that fails is left alone for a while, and nobody waits for it or hears its errors."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

log = logging.getLogger("flask_workos_sessions")

#: Seconds for which a store that has failed is not asked.
PAUSE_SECONDS = 5.0
#: Calls at the same time, per process. More would not be faster, and a crowd that opens a
#: connection each looks to each of them like a store that does not answer.
AT_ONCE = 16


class StoreUnusable(Exception):
    """A store that we do not use, and why: a fixed text, without a path or an address."""


class Wording(NamedTuple):
    """How a breaker calls its store in the log, what a failure means to people, and a remedy."""

    name: str
    use: str
    meanwhile: str
    remedy: str


SHARED_STATE = Wording(
    "shared state",
    "used",
    "this process goes on with its own memory, and sign-outs and refreshes are not shared",
    "`flask workos doctor` examines it",
)


class Answer(NamedTuple):
    """What a store answered; ``given`` is false when it failed or was not asked."""

    given: bool
    value: Any = None


_NONE = Answer(False)


class Breaker:
    """Calls a store, and turns every failure into no answer.

    Two threads that both try a store which has just come back do no harm. After a fork the child
    has a gate of its own.

    :param fatal: log the first failure of this process as an error: without its store it shares
        nothing (security R7). Off in tests.
    """

    def __init__(
        self,
        wording: Wording = SHARED_STATE,
        *,
        fatal: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.failures = 0
        self._wording = wording
        self._level = logging.ERROR if fatal else logging.WARNING
        self._monotonic = monotonic
        self._failing = False
        self._retry_at = 0.0
        self._gate = (-1, threading.BoundedSemaphore(AT_ONCE))

    @property
    def failing(self) -> bool:
        """Whether the last call failed."""
        return self._failing

    def call(self, operation: Callable[..., Any], *arguments: Any) -> Answer:
        """What ``operation(*arguments)`` returns, unless the store is left alone just now."""
        if self._failing:
            now = self._monotonic()
            if now < self._retry_at:
                return _NONE
            # This call finds out whether the store is back; the others go on without it.
            self._retry_at = now + PAUSE_SECONDS
        tries = self._failing
        try:
            with self._gate_of_this_process():
                if self._failing and not tries:
                    return _NONE  # it failed while this call waited
                value = operation(*arguments)
        except Exception as fault:
            self._failed(fault)
            return _NONE
        # One that began before the failure, and ends well after it, tells nothing.
        if tries and self._failing:
            self._failing = False
            log.warning("The %s can be %s again.", self._wording.name, self._wording.use)
        return Answer(True, value)

    def _gate_of_this_process(self) -> threading.BoundedSemaphore:
        gate, pid = self._gate, os.getpid()
        if gate[0] != pid:
            gate = self._gate = (pid, threading.BoundedSemaphore(AT_ONCE))
        return gate[1]

    def _failed(self, fault: Exception) -> None:
        self.failures += 1
        self._retry_at = self._monotonic() + PAUSE_SECONDS
        told, self._failing = self._failing, True
        if told:
            return
        # The text of a foreign exception may hold an address or a path.
        reason = str(fault) if isinstance(fault, StoreUnusable) else type(fault).__name__
        log.log(
            self._level,
            "The %s cannot be %s (%s): %s. It is tried again every %d seconds; %s.",
            self._wording.name,
            self._wording.use,
            reason,
            self._wording.meanwhile,
            PAUSE_SECONDS,
            self._wording.remedy,
        )
        self._level = logging.WARNING
