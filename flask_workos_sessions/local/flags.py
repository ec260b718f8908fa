"""Feature flags: for whom each is switched on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .events import Events
from .identifiers import iso, new_id
from .organization import LocalOrganization
from .user import LocalUser


@dataclass
class LocalFlag:
    """A flag, and the people and organizations that have it."""

    id: str
    slug: str
    created_at: float
    users: dict[str, dict[str, str]] = field(default_factory=dict)
    organizations: dict[str, dict[str, str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The flag object of WorkOS's API. Whom it is for stands in an event's context."""
        return {
            "object": "feature_flag",
            "id": self.id,
            "slug": self.slug,
            "name": self.slug,
            "description": None,
            "tags": [],
            "enabled": True,
            "default_value": False,
            "created_at": iso(self.created_at),
            "updated_at": iso(self.created_at),
        }

    def rule(self) -> dict[str, Any]:
        """For whom it is on."""
        targets = {
            "organizations": list(self.organizations.values()),
            "users": list(self.users.values()),
        }
        return {"access_type": "some" if any(targets.values()) else "none"} | {
            "configured_targets": targets
        }


class Flags:
    """All flags that were ever switched on, by slug."""

    def __init__(self, clock: Callable[[], float], events: Events) -> None:
        self._clock = clock
        self._events = events
        self._flags: dict[str, LocalFlag] = {}

    def switch(self, target: LocalUser | LocalOrganization, before: Iterable[str]) -> None:
        """A person's or an organization's flags were ``before``, and have changed since."""
        now_on, was_on = list(target.feature_flags), list(before)
        for slug in dict.fromkeys([*was_on, *now_on]):
            if (slug in now_on) != (slug in was_on):
                self._switch(slug, target, on=slug in now_on)

    def forget(self, target: LocalUser | LocalOrganization) -> None:
        """Somebody or something is gone: no flag is for them, and none tells of it."""
        for slug in target.feature_flags:
            if slug in self._flags:
                _targets(self._flags[slug], target).pop(target.id, None)

    def _switch(self, slug: str, target: LocalUser | LocalOrganization, *, on: bool) -> None:
        flag = self._flags.get(slug)
        if flag is None:
            now = self._clock()
            flag = self._flags[slug] = LocalFlag(new_id("flag", now), slug, now)
            self._events.note("flag.created", flag.as_json(), **flag.rule())
        before, targets = flag.rule(), _targets(flag, target)
        if on:
            named = "email" if isinstance(target, LocalUser) else "name"
            targets[target.id] = {"id": target.id, named: getattr(target, named)}
        else:
            targets.pop(target.id, None)
        self._events.note(
            "flag.rule_updated",
            flag.as_json(),
            **flag.rule(),
            previous_attributes={"context": before},
        )


def _targets(flag: LocalFlag, target: LocalUser | LocalOrganization) -> dict[str, dict[str, str]]:
    return flag.users if isinstance(target, LocalUser) else flag.organizations
