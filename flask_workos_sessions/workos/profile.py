"""The user in WorkOS's answers, and who acts for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..session import USER_TEXTS
from ..session_record import Impersonator


def readable_profile(profile: object) -> dict[str, Any] | None:
    """The profile without values of a type that we do not know; ``None`` without an ``id``.

    A name that is suddenly an object must not stop anybody from signing in, nor crash a template.
    """
    if not isinstance(profile, Mapping):
        return None
    if not isinstance(profile.get("id"), str) or not profile["id"]:
        return None
    return {name: value for name, value in profile.items() if _readable(name, value)}


def readable_impersonator(value: object) -> Impersonator | None:
    """Who acts as the person, ``None`` when nobody does."""
    if not isinstance(value, Mapping) or not isinstance(value.get("email"), str):
        return None
    reason = value.get("reason")
    return Impersonator(value["email"], reason if isinstance(reason, str) and reason else None)


def _readable(name: str, value: object) -> bool:
    if value is None:
        return True
    if name in USER_TEXTS:
        return isinstance(value, str)
    if name == "email_verified":
        return isinstance(value, bool)
    if name == "metadata":
        return isinstance(value, Mapping)
    return True
