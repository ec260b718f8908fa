"""Wrong answers, on purpose."""

from __future__ import annotations

import json
import math
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

#: The faults in which the exchange takes place all the same.
EXCHANGED = frozenset({"late", "lost", "reset", "half", "drip_headers", "drip_body"})

#: Each fault that has a name, and what the client sees.
NAMED_FAULTS = {
    "late": "the exchange takes place, its answer comes after `delay`",
    "drop": "the connection ends without an answer; nothing was exchanged",
    "lost": "the exchange takes place and its answer is lost",
    "reset": "the exchange takes place and the connection is reset (TCP RST)",
    "refuse": "the connection is reset; nothing was exchanged",
    "half": "the exchange takes place and half of its answer arrives",
    "drip_headers": "the exchange takes place, its answer's headers come byte by byte",
    "drip_body": "the exchange takes place, its answer's body comes byte by byte",
    "html": "200 with an HTML page",
    "no_tokens": "200 with JSON that has no tokens",
    "redirect": "307 to another host",
}

_PAGE = b"<!doctype html><title>Sorry</title><h1>We will be right back</h1>"


@dataclass(frozen=True)
class Fault:
    """A wrong answer: one of :data:`NAMED_FAULTS`, or a status with ``body`` and ``headers``.

    ``delay`` is in seconds: before the answer, or before each byte of one that drips.
    """

    kind: str | int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0

    def __post_init__(self) -> None:
        known = self.kind in NAMED_FAULTS or (
            isinstance(self.kind, int) and 200 <= self.kind <= 599
        )
        if not known:
            raise ValueError(f"A fault is an HTTP status or one of {sorted(NAMED_FAULTS)}.")
        if not 0 <= self.delay < math.inf:
            raise ValueError("A delay is a number of seconds, from 0.")

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the faults that have an answer of their own."""
        if self.kind == "html":
            status, kind, body = 200, "text/html; charset=utf-8", _PAGE
        elif self.kind == "redirect":
            status, kind, body = 307, "text/plain", b""
            return status, {"Location": "http://127.0.0.1:9/elsewhere", **self.headers}, body
        else:
            status = self.kind if isinstance(self.kind, int) else 200
            message = {"message": "A fault that was asked for."} if status >= 300 else {}
            kind, body = "application/json", self.body or json.dumps(message).encode()
        return status, {"Content-Type": kind, **self.headers}, body


class Faults:
    """The faults to come: of the next calls, of a share of all calls, and while all is down.

    Each is for calls to paths that begin with its ``prefix``; for exchanges when that is ``None``.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: deque[tuple[str | None, Fault]] = deque()
        self._share: float = 0.0
        self._scattered: list[Fault] = []
        self._scattered_over: str | None = None
        self._random = Random()  # noqa: S311 -- for tests
        self._down: list[tuple[str, Fault]] = []

    def add(self, fault: Fault, times: int, prefix: str | None = None) -> None:
        """Play ``fault`` at each of the next calls, after those already asked for."""
        if times < 0:
            raise ValueError("A fault is played so many times, from 0.")
        with self._lock:
            self._next.extend([(prefix, fault)] * times)

    def scatter(
        self, share: float, faults: list[Fault], seed: int, prefix: str | None = None
    ) -> None:
        """Play one of these faults at a share (0 to 1) of all calls, the same in every run.

        :raises ValueError: not a share, or no fault.
        """
        if not (0 <= share <= 1 and faults):
            raise ValueError("A share from 0 to 1 is needed, and at least one fault.")
        with self._lock:
            self._share, self._scattered, self._scattered_over = share, faults, prefix
            self._random = Random(seed)  # noqa: S311 -- for tests

    @property
    def planned(self) -> int:
        """How many of the next calls will fail."""
        with self._lock:
            return len(self._next)

    def clear(self) -> None:
        """Forget the faults to come; what is down stays down until its context ends."""
        with self._lock:
            self._next.clear()
            self._share = 0.0

    def take(self, path: str, *, exchange: bool) -> Fault | None:
        """The fault for the request that came in, if any."""
        with self._lock:
            for prefix, fault in reversed(self._down):
                if path.startswith(prefix):
                    return fault
            for number, (over, fault) in enumerate(self._next):
                if _hits(over, path, exchange):
                    del self._next[number]
                    return fault
            if _hits(self._scattered_over, path, exchange) and self._random.random() < self._share:
                return self._random.choice(self._scattered)
            return None

    @contextmanager
    def down(self, fault: Fault, prefix: str) -> Iterator[None]:
        """Answer every path that begins with ``prefix`` with ``fault`` in this context."""
        outage = (prefix, fault)
        with self._lock:
            self._down.append(outage)
        try:
            yield
        finally:
            with self._lock:
                self._down.remove(outage)


def _hits(prefix: str | None, path: str, exchange: bool) -> bool:
    return exchange if prefix is None else path.startswith(prefix)
