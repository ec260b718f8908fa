"""The user in WorkOS's answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..session import USER_FIELDS

_TEXTS = frozenset(USER_FIELDS) - {"id", "email_verified", "metadata"}


def readable_profile(profile: object) -> dict[str, Any] | None:
    """The profile without values of a type that we do not know; ``None`` without an ``id``.

    A name that is suddenly an object must not stop anybody from signing in, nor crash a template.
    """
    if not isinstance(profile, Mapping):
        return None
    if not isinstance(profile.get("id"), str) or not profile["id"]:
        return None
    return {name: value for name, value in profile.items() if _readable(name, value)}


def _readable(name: str, value: object) -> bool:
    if value is None:
        return True
    if name in _TEXTS:
        return isinstance(value, str)
    if name == "email_verified":
        return isinstance(value, bool)
    if name == "metadata":
        return isinstance(value, Mapping)
    return True
