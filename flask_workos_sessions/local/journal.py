"""What came in and how it was answered, for tests to look at."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

#: So many entries are kept; a server that runs for days does not grow.
KEPT = 20_000


@dataclass(frozen=True)
class RecordedRequest:
    """One request. ``status`` is ``None`` when the connection was dropped without an answer."""

    method: str
    path: str
    status: int | None
    query: str = field(default="", repr=False)
    user_agent: str = field(default="", repr=False)
    fault: str | None = None


@dataclass(frozen=True)
class RecordedExchange:
    """One call of ``POST /user_management/authenticate``.

    ``at`` is in seconds since the epoch (the server's clock), ``error`` the word in the answer,
    ``fault`` the fault that was played, ``replayed`` whether it got the pair of an earlier
    exchange. ``request`` is the JSON that came, with its secrets.
    """

    at: float
    grant_type: str | None
    status: int | None
    error: str | None = None
    fault: str | None = None
    replayed: bool = False
    organization_id: str | None = None
    request: dict[str, Any] = field(default_factory=dict, repr=False)
    response: dict[str, Any] = field(default_factory=dict, repr=False)


class Journal:
    """The latest requests and exchanges, oldest first."""

    def __init__(self) -> None:
        self.requests: deque[RecordedRequest] = deque(maxlen=KEPT)
        self.exchanges: deque[RecordedExchange] = deque(maxlen=KEPT)
        self._given: deque[str] = deque(maxlen=KEPT)
        self._known: set[str] = set()

    def given_before(self, refresh_token: str) -> bool:
        """Whether an earlier answer had this refresh token; it is noted as given now."""
        if refresh_token in self._known:
            return True
        if len(self._given) == KEPT:
            self._known.discard(self._given[0])
        self._given.append(refresh_token)
        self._known.add(refresh_token)
        return False
