"""What became of an attempt to tell a webhook endpoint of an event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Delivery:
    """One attempt to deliver the event ``id``. ``status`` is the endpoint's, ``None`` without an
    answer; ``at`` is in seconds since the epoch (the server's clock)."""

    id: str
    event: str
    url: str
    attempt: int
    status: int | None
    at: float

    @property
    def taken(self) -> bool:
        """Whether the endpoint has taken it: with any 2xx."""
        return self.status is not None and 200 <= self.status < 300
