"""What WorkOS tells of: an event, as a webhook brings it and as the Events API lists it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from .moment import read_moment

_LONGEST_NAME = 255
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class MalformedEvent(ValueError):
    """This is no event: no JSON object, or one without an id or a type."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened at WorkOS.

    ``type`` is its name, such as ``"session.revoked"``, ``data`` the object that it is about,
    ``created_at`` when it happened (epoch seconds, WorkOS's clock; ``None`` if that was not said).
    ``context`` is empty when the sender left it out.
    """

    id: str
    type: str
    data: Mapping[str, Any] = field(repr=False, hash=False)
    created_at: float | None
    context: Mapping[str, Any] = field(repr=False, hash=False)

    @property
    def user_id(self) -> str | None:
        """The person that it is about, if any."""
        about = "id" if self.type.startswith("user.") else "user_id"
        return name_of(self.data.get(about))

    @property
    def organization_id(self) -> str | None:
        """The organization that it is about, if any."""
        about = "id" if self.type.startswith("organization.") else "organization_id"
        return name_of(self.data.get(about))


def parse_event(body: bytes) -> Event:
    """The event in the body of a webhook.

    :raises MalformedEvent: it is none.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedEvent("not JSON") from None
    return read_event(document)


def read_event(document: object) -> Event:
    """The event that a JSON document is. What it need not have may be missing, or odd.

    :raises MalformedEvent: it is none.
    """
    if not isinstance(document, dict):
        raise MalformedEvent("not a JSON object")
    event_id, kind = name_of(document.get("id")), name_of(document.get("event"))
    if event_id is None or kind is None:
        raise MalformedEvent("without an id or a type")
    return Event(
        event_id,
        kind,
        _object(document.get("data")),
        read_moment(document.get("created_at")),
        _object(document.get("context")),
    )


def name_of(value: object) -> str | None:
    """An id or a slug, or ``None`` for what cannot be one."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
        return None
    return value if value.isprintable() and " " not in value else None


def _object(value: object) -> Mapping[str, Any]:
    return MappingProxyType(value) if isinstance(value, dict) else _NOTHING
