"""What has happened in an environment, in order: what WorkOS calls events."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .identifiers import OrderedIds, iso

#: So many events are kept; a server that runs for days does not grow.
KEPT = 20_000

#: Older events (seconds; the environment's clock) are not told any more. WorkOS's documentation
#: has 30 days in one place and 90 in another.
RETENTION_SECONDS = 30 * 86_400


@dataclass(frozen=True)
class LocalEvent:
    """One event; ``at`` is in seconds since the epoch, ``data`` as things were then."""

    id: str
    event: str
    at: float
    data: dict[str, Any] = field(repr=False)
    context: dict[str, Any] = field(repr=False)

    @property
    def organization_id(self) -> str | None:
        """The organization that it is about, if any."""
        if self.data.get("object") == "organization":
            return self.data.get("id")
        return self.data.get("organization_id")

    @property
    def told_at(self) -> float:
        """``at`` as ``created_at`` tells it: in whole milliseconds."""
        return int(self.at * 1000) / 1000

    def as_json(self, *, bare: bool = False) -> dict[str, Any]:
        """The event of WorkOS's API; ``bare``: without ``object`` and ``context``."""
        body = {
            "object": "event",
            "id": self.id,
            "event": self.event,
            "data": self.data,
            "created_at": iso(self.at),
            "context": self.context,
        }
        return {k: v for k, v in body.items() if k not in ("object", "context")} if bare else body


class Events:
    """The latest events of one environment, oldest first.

    ``heard`` is called with each new one, under the environment's lock.
    """

    def __init__(self, clock: Callable[[], float], client_id: str) -> None:
        self._clock = clock
        self._client_id = client_id
        self._ids = OrderedIds("event")
        self._log: deque[LocalEvent] = deque(maxlen=KEPT)
        self.heard: Callable[[LocalEvent], object] | None = None

    def note(self, event: str, data: dict[str, Any], **context: Any) -> LocalEvent:
        """Something has happened: ``data`` is not to be changed afterwards."""
        now = self._clock()
        about = {"client_id": self._client_id, **context}
        noted = LocalEvent(self._ids.next(now), event, now, data, about)
        self._log.append(noted)
        if self.heard is not None:
            self.heard(noted)
        return noted

    def note_update(self, event: str, before: Mapping[str, Any], after: dict[str, Any]) -> None:
        """Something has changed. Nothing has, when only ``updated_at`` differs."""
        names = [name for name in {**before, **after} if name != "updated_at"]
        changed = [name for name in names if before.get(name) != after.get(name)]
        if changed:
            previous = {name: before.get(name) for name in changed}
            self.note(event, after, previous_attributes=previous)

    def emit(self, event: str, data: Mapping[str, Any], context: Mapping[str, Any]) -> LocalEvent:
        """Any event, with a copy of ``data``.

        :raises ValueError: no name. :raises TypeError: what cannot be JSON.
        """
        if not event or "," in event:
            raise ValueError("An event has a name, without a comma.")
        return self.note(event, json.loads(json.dumps(data)), **json.loads(json.dumps(context)))

    def kept(self) -> list[LocalEvent]:
        """The events that can still be told, oldest first."""
        since = self._clock() - RETENTION_SECONDS
        return [each for each in self._log if each.at >= since]

    def forget(self) -> None:
        """Empty the log."""
        self._log.clear()
