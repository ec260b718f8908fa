"""Immutable values: who is signed in (:class:`User`), in which session (:class:`Session`)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

from .lifetime import Ends, Lifetime

_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Impersonator:
    """The WorkOS team member who is signed in as somebody else."""

    email: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A person, with WorkOS's field names. Falsy, with every field ``None``, for nobody.

    Identify people by ``id``, never by ``email``: an address can change hands.
    """

    id: str | None = None
    email: str | None = None
    email_verified: bool | None = None
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    profile_picture_url: str | None = None
    external_id: str | None = None
    locale: str | None = None
    last_sign_in_at: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=lambda: _EMPTY, hash=False)

    @classmethod
    def from_profile(cls, profile: Mapping[str, Any]) -> User:
        """The user in WorkOS's JSON; fields that we do not know are left out."""
        known: dict[str, Any] = {name: profile.get(name) for name in USER_FIELDS}
        metadata = known["metadata"]
        known["metadata"] = MappingProxyType(dict(metadata)) if metadata else _EMPTY
        return cls(**known)

    @property
    def display_name(self) -> str | None:
        """The best name to greet somebody with: name, first and last name, else the address."""
        parts = [part for part in (self.first_name, self.last_name) if part]
        return self.name or " ".join(parts) or self.email

    def __bool__(self) -> bool:
        return self.id is not None


#: The fields of a WorkOS user that a session keeps.
USER_FIELDS = tuple(each.name for each in fields(User))

#: Bytes of ``metadata`` (as JSON) that a session keeps; more stays at WorkOS (security C8).
MAX_METADATA = 512

ANONYMOUS = User()


def kept_profile(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The part of WorkOS's user JSON that a session keeps: known fields, and small metadata."""
    kept = {name: profile[name] for name in USER_FIELDS if profile.get(name) is not None}
    if len(json.dumps(kept.get("metadata"), default=str)) > MAX_METADATA:
        del kept["metadata"]
    return kept


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What is kept of a session between two requests: in the sealed cookie, or in a store.

    ``signed_in_at``, ``expires_at`` and ``not_after`` are seconds since the epoch. ``not_after``
    is when the record stops being accepted at all. ``previous`` is the digest of the refresh token
    that this one replaced.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    user: Mapping[str, Any] = field(repr=False)
    organization_id: str | None
    signed_in_at: int
    not_after: int
    authentication_method: str | None = None
    impersonator: Impersonator | None = None
    expires_at: int | None = None
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One person's session, as the access token describes it. Falsy when nobody is signed in.

    Times are seconds since the epoch. The refresh token is not here, on purpose; the access token
    is, for calls to your own APIs, but never in ``repr`` or in JSON.
    """

    id: str | None = None
    user: User = ANONYMOUS
    organization_id: str | None = None
    role: str | None = None
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    entitlements: tuple[str, ...] = ()
    feature_flags: tuple[str, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=lambda: _EMPTY, repr=False, hash=False)
    access_token: str | None = field(default=None, repr=False)
    impersonator: Impersonator | None = None
    authentication_method: str | None = None
    signed_in_at: int | None = None
    authenticated_at: int | None = None
    refreshed_at: int | None = None
    token_expires_at: int | None = None
    rev: str | None = None
    unavailable: bool = False
    ends: Ends = field(default_factory=Ends, repr=False)
    warn: int = field(default=120, repr=False)
    clock: Callable[[], float] = field(default=time.time, repr=False, compare=False)

    @property
    def lifetime(self) -> Lifetime:
        """What remains of the session at this moment."""
        return self.ends.at(self.clock(), warn=self.warn)

    def __bool__(self) -> bool:
        return self.id is not None

    def __html__(self) -> str:
        """What ``{{ current_session }}`` shows: the id, never a token."""
        return f"Session {self.id}" if self.id else "No session"


NO_SESSION = Session()
