"""For whom the rule of a feature flag has changed (WorkOS, events of the type
``flag.rule_updated``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from .events import Event, name_of

#: Targets that are looked at one by one; of more, everybody is concerned.
MAX_TARGETS = 200

Target = tuple[Literal["person", "organization"], str]


def targets_of(event: Event) -> set[Target] | None:
    """The people and organizations for whom it has been switched on or off. ``None`` when the
    event does not tell, or when it is for everybody, or was."""
    if event.type != "flag.rule_updated":
        return None
    now = event.context
    changed = now.get("previous_attributes")
    before = changed.get("context") if isinstance(changed, Mapping) else None
    if not isinstance(before, Mapping):
        return None
    kinds = {now.get("access_type"), before.get("access_type", now.get("access_type"))}
    if not kinds <= {"some", "none"}:
        return None
    has = _listed(now.get("configured_targets"))
    had = _listed(before.get("configured_targets", now.get("configured_targets")))
    if has is None or had is None:
        return None
    # With another kind of access the same targets have it now, or have it no more.
    concerned = has ^ had if len(kinds) == 1 else has | had
    return concerned if 0 < len(concerned) <= MAX_TARGETS else None


def _listed(targets: Any) -> set[Target] | None:
    if not isinstance(targets, Mapping):
        return None
    people, organizations = _names(targets.get("users")), _names(targets.get("organizations"))
    if people is None or organizations is None:
        return None
    named: list[Target] = [("person", each) for each in people]
    named.extend(("organization", each) for each in organizations)
    return set(named)


def _names(listed: Any) -> list[str] | None:
    if not isinstance(listed, list):
        return None
    names = [name_of(each.get("id")) if isinstance(each, Mapping) else None for each in listed]
    return None if None in names else [name for name in names if name is not None]
