"""A session as WorkOS lists it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..session_record import Impersonator
from .moment import read_moment
from .profile import readable_impersonator


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """One of a person's sessions, with WorkOS's field names. Immutable, and without a token.

    Times are seconds since the epoch, ``None`` when WorkOS does not say. Address and browser are
    those of the sign-in; they are what that browser said, so show them as text and believe nothing.
    ``current`` is true for the session of the request in which it was listed.
    """

    id: str
    user_id: str
    organization_id: str | None = None
    auth_method: str | None = None
    created_at: int | None = None
    updated_at: int | None = None
    expires_at: int | None = None
    ip_address: str | None = field(default=None, repr=False)
    user_agent: str | None = field(default=None, repr=False)
    impersonator: Impersonator | None = None
    current: bool = False

    @classmethod
    def listed(cls, user_id: str, listed: object) -> ActiveSession | None:
        """The session in WorkOS's JSON; ``None`` when it is no active one of this person."""
        if not isinstance(listed, dict) or not isinstance(listed.get("id"), str):
            return None
        if listed.get("user_id", user_id) != user_id or listed.get("status", "active") != "active":
            return None
        return cls(
            id=listed["id"],
            user_id=user_id,
            organization_id=_text(listed, "organization_id"),
            auth_method=_text(listed, "auth_method"),
            created_at=_seconds(listed, "created_at"),
            updated_at=_seconds(listed, "updated_at"),
            expires_at=_seconds(listed, "expires_at"),
            ip_address=_text(listed, "ip_address"),
            user_agent=_text(listed, "user_agent"),
            impersonator=readable_impersonator(listed.get("impersonator")),
        )


def _text(listed: Mapping[str, Any], name: str) -> str | None:
    value = listed.get(name)
    return value if isinstance(value, str) else None


def _seconds(listed: Mapping[str, Any], name: str) -> int | None:
    moment = read_moment(listed.get(name))
    return None if moment is None else int(moment)
