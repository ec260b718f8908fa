"""Who has been here, by organization. It lives in memory, as the board does."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime

#: People that one organization remembers; who has been away the longest goes first.
MOST = 500


@dataclass(frozen=True, slots=True)
class Person:
    """A member who has used the app. ``id`` is WorkOS's; ``ended_by`` who ended their sessions."""

    id: str
    name: str
    seen_at: datetime
    ended_by: str | None = None


class People:
    """The members of every organization, as far as the app has met them."""

    def __init__(self) -> None:
        self._organizations: dict[str, dict[str, Person]] = {}
        self._lock = threading.Lock()

    def meet(self, organization: str, person_id: str, name: str) -> None:
        """Somebody uses the app in this organization."""
        with self._lock:
            members = self._organizations.setdefault(organization, {})
            members.pop(person_id, None)
            members[person_id] = Person(person_id, name, datetime.now(UTC))
            while len(members) > MOST:
                del members[next(iter(members))]

    def of(self, organization: str) -> list[Person]:
        """The members, by name."""
        with self._lock:
            members = list(self._organizations.get(organization, {}).values())
        return sorted(members, key=lambda each: each.name.casefold())

    def knows(self, organization: str, person_id: str) -> bool:
        """Whether somebody has been in this organization."""
        with self._lock:
            return person_id in self._organizations.get(organization, {})

    def forget(self, organization: str, person_id: str) -> None:
        """Somebody is not here any more."""
        with self._lock:
            self._organizations.get(organization, {}).pop(person_id, None)

    def note_end(self, organization: str, person_id: str, by: str) -> None:
        """Somebody's sessions in this organization were ended."""
        with self._lock:
            members = self._organizations.get(organization, {})
            if person_id in members:
                members[person_id] = replace(members[person_id], ended_by=by)
