"""Wrong answers, on purpose."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

#: The faults in which the exchange takes place all the same.
EXCHANGED = frozenset({"late", "lost", "half"})

#: Each fault that has a name, and what the client sees.
NAMED_FAULTS = {
    "late": "the exchange takes place, its answer comes after `delay`",
    "drop": "the connection ends without an answer; nothing was exchanged",
    "lost": "the exchange takes place and its answer is lost",
    "half": "the exchange takes place and half of its answer arrives",
    "html": "200 with an HTML page",
    "no_tokens": "200 with JSON that has no tokens",
    "redirect": "307 to another host",
}

_PAGE = b"<!doctype html><title>Sorry</title><h1>We will be right back</h1>"


@dataclass(frozen=True)
class Fault:
    """A wrong answer: one of :data:`NAMED_FAULTS`, or a status with ``body`` and ``headers``.

    ``delay`` is in seconds, before the answer.
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
    """The faults to come: for the next exchanges, and for everything while it is down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: deque[Fault] = deque()
        self._down: list[tuple[str, Fault]] = []

    def add(self, fault: Fault, times: int) -> None:
        """Play ``fault`` at each of the next exchanges, after those already asked for."""
        with self._lock:
            self._next.extend([fault] * times)

    @property
    def planned(self) -> int:
        """How many of the next exchanges will fail."""
        with self._lock:
            return len(self._next)

    def clear(self) -> None:
        """Forget the faults to come; what is down stays down until its context ends."""
        with self._lock:
            self._next.clear()

    def take(self, path: str, *, exchange: bool) -> Fault | None:
        """The fault for the request that came in, if any."""
        with self._lock:
            for prefix, fault in reversed(self._down):
                if path.startswith(prefix):
                    return fault
            return self._next.popleft() if exchange and self._next else None

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
