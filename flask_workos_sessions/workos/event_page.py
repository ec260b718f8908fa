"""A page of the Events API: what it lists, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from .events import Event, MalformedEvent, name_of, read_event
from .retry_after import retry_after
from .transport import Answer

#: Events on one page, at most.
PAGE_SIZE = 100

_REMEDIES = {
    401: "check WORKOS_API_KEY. It must be a key of the WorkOS environment whose events are read, "
    "and not be revoked",
    403: "let the key in WORKOS_API_KEY read events, or set one that may",
    404: "check WORKOS_BASE_URL",
}
_LONGEST_MESSAGE = 200


class EventsUnavailable(Exception):
    """WorkOS did not answer, or not usefully: it is to be asked again, after ``retry_after``
    seconds if it said so. ``reason`` is a short word."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        self.reason = reason
        self.retry_after = retry_after
        super().__init__(reason)


class EventsRefused(Exception):
    """WorkOS does not answer such a question, however often it is asked. The text has the remedy.

    ``cursor`` is whether that may be because it does not know the cursor (any more).
    """

    def __init__(self, status: int, message: str = "") -> None:
        self.cursor = status in (400, 404, 422)
        remedy = _REMEDIES.get(status, "check WORKOS_EVENTS_TYPES")
        said = f", {message[:_LONGEST_MESSAGE]!r}" if message else ""
        super().__init__(f"WorkOS refuses to list events (status {status}{said}): {remedy}.")


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events, oldest first. ``last`` is the cursor of what comes after them, ``more`` whether
    there is something already."""

    events: tuple[Event, ...]
    last: str | None
    more: bool
    unreadable: int = 0

    @classmethod
    def read(cls, answer: Answer, limit: int) -> Self:
        """What WorkOS answered.

        :raises EventsUnavailable: ask again. :raises EventsRefused: do not.
        """
        document = _object(answer)
        items = document.get("data")
        if answer.status != 200 or not isinstance(items, list):
            raise _fault(answer, document)
        events: list[Event] = []
        last = None
        for item in items:
            last = (name_of(item.get("id")) if isinstance(item, dict) else None) or last
            try:
                events.append(read_event(item))
            except MalformedEvent:
                continue
        metadata = document.get("list_metadata")
        after = name_of(metadata.get("after")) if isinstance(metadata, dict) else None
        more = after is not None or len(items) >= limit
        return cls(tuple(events), last or after, more, len(items) - len(events))


def _fault(answer: Answer, document: dict[str, Any]) -> Exception:
    status = answer.status
    if status == 429:
        return EventsUnavailable("rate_limited", retry_after(answer.headers))
    if 400 <= status < 500 and status not in (408, 425) and document:
        message = document.get("message") or document.get("error_description")
        return EventsRefused(status, message if isinstance(message, str) else "")
    reason = "server_error" if status >= 500 else "unreadable"
    return EventsUnavailable(reason, retry_after(answer.headers))


def _object(answer: Answer) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
