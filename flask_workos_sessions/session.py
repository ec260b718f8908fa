"""Immutable values: who is signed in (:class:`User`), in which session (:class:`Session`)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Protocol

from .lifetime import Ends, Lifetime
from .session_record import Impersonator, SessionRecord

_EMPTY: Mapping[str, Any] = MappingProxyType({})
_NO_ENDS = Ends()


@dataclass(frozen=True, slots=True)
class User:
    """A person, with WorkOS's field names. Falsy, with every field ``None``, for nobody.

    Identify people by ``id``, never by ``email``: an address can change hands.
    """

    id: str | None = None
    email: str | None = field(default=None, repr=False)
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

#: Those that are texts.
USER_TEXTS = frozenset(USER_FIELDS) - {"id", "email_verified", "metadata"}

#: Bytes of ``metadata`` (as JSON) that a session keeps; more stays at WorkOS (security C8).
MAX_METADATA = 512

ANONYMOUS = User()


def kept_profile(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The part of WorkOS's user JSON that a session keeps: known fields, and small metadata."""
    kept = {name: profile[name] for name in USER_FIELDS if profile.get(name) is not None}
    if len(json.dumps(kept.get("metadata"), default=str)) > MAX_METADATA:
        del kept["metadata"]
    return kept


class Token(Protocol):
    """What a session takes from its access token."""

    @property
    def raw(self) -> str: ...
    @property
    def claims(self) -> Mapping[str, Any]: ...
    @property
    def session_id(self) -> str: ...
    @property
    def organization_id(self) -> str | None: ...
    @property
    def issued_at(self) -> int: ...
    @property
    def authenticated_at(self) -> int | None: ...
    @property
    def role(self) -> str | None: ...
    @property
    def roles(self) -> tuple[str, ...]: ...
    @property
    def permissions(self) -> tuple[str, ...]: ...
    @property
    def entitlements(self) -> tuple[str, ...]: ...
    @property
    def feature_flags(self) -> tuple[str, ...]: ...


class Session:
    """One person's session, as the access token describes it. Falsy when nobody is signed in.

    Immutable. Times are seconds since the epoch. The refresh token is not here, on purpose; the
    access token is, for calls to your own APIs, but never in ``repr`` or in JSON.

    It is no dataclass: Flask's JSON would write out all of its fields, the token among them.
    """

    __slots__ = (
        "_claims",
        "_clock",
        "_record",
        "_rev",
        "_revision",
        "_token",
        "_user",
        "_warn",
        "ends",
        "impersonator",
        "unavailable",
    )

    _claims: Mapping[str, Any] | None
    _clock: Callable[[], float]
    _record: SessionRecord | None
    _rev: str | None
    _revision: Callable[[Any], str] | None
    _token: Token | None
    _user: User | None
    _warn: int
    #: When the session ends by either clock.
    ends: Ends
    #: Who acts as the person, if somebody does.
    impersonator: Impersonator | None
    #: There is a session that cannot be confirmed just now (an outage).
    unavailable: bool

    def __init__(
        self,
        token: Token | None = None,
        record: SessionRecord | None = None,
        *,
        ends: Ends = _NO_ENDS,
        impersonator: Impersonator | None = None,
        revision: Callable[[Any], str] | None = None,
        warn: int = 120,
        clock: Callable[[], float] = time.time,
        unavailable: bool = False,
    ) -> None:
        put = object.__setattr__
        put(self, "_claims", None)
        put(self, "_token", token)
        put(self, "_record", record)
        put(self, "_revision", revision)
        put(self, "_rev", None)
        put(self, "_user", None)
        put(self, "_warn", warn)
        put(self, "_clock", clock)
        put(self, "ends", ends)
        put(self, "impersonator", impersonator)
        put(self, "unavailable", unavailable)

    @property
    def id(self) -> str | None:
        """WorkOS's session id (``sid``)."""
        return self._token.session_id if self._token else None

    @property
    def user(self) -> User:
        """The person, with WorkOS's field names."""
        if self._user is None:
            user = User.from_profile(self._record.user) if self._record else ANONYMOUS
            object.__setattr__(self, "_user", user)
        assert self._user is not None
        return self._user

    @property
    def organization_id(self) -> str | None:
        """The organization in which the person is at the moment."""
        return self._token.organization_id if self._token else None

    @property
    def role(self) -> str | None:
        """The primary role in the organization."""
        return self._token.role if self._token else None

    @property
    def roles(self) -> tuple[str, ...]:
        """All roles in the organization."""
        return self._token.roles if self._token else ()

    @property
    def permissions(self) -> tuple[str, ...]:
        """What the roles permit."""
        return self._token.permissions if self._token else ()

    @property
    def entitlements(self) -> tuple[str, ...]:
        """What the organization has bought."""
        return self._token.entitlements if self._token else ()

    @property
    def feature_flags(self) -> tuple[str, ...]:
        """The feature flags that are on."""
        return self._token.feature_flags if self._token else ()

    @property
    def claims(self) -> Mapping[str, Any]:
        """Every claim of the access token, those of your JWT template included."""
        if self._claims is None:
            object.__setattr__(self, "_claims", self._token.claims if self._token else _EMPTY)
        assert self._claims is not None
        return self._claims

    @property
    def access_token(self) -> str | None:
        """The access token, to call APIs of your own in the person's name."""
        return self._token.raw if self._token else None

    @property
    def authentication_method(self) -> str | None:
        """How the person signed in, in WorkOS's words (``Password``, ``SSO``, …)."""
        return self._record.authentication_method if self._record else None

    @property
    def signed_in_at(self) -> int | None:
        """When the session's first token was issued."""
        return self._record.signed_in_at if self._record else None

    @property
    def authenticated_at(self) -> int | None:
        """When the person last proved who they are (``auth_time``)."""
        return self._token.authenticated_at if self._token else None

    @property
    def refreshed_at(self) -> int | None:
        """When the present token was issued (``iat``)."""
        return self._token.issued_at if self._token else None

    @property
    def rev(self) -> str | None:
        """A hash that differs when role, permissions, organization, entitlements or flags do."""
        if self._rev is None and self._revision is not None:
            object.__setattr__(self, "_rev", self._revision(self._token))
        return self._rev

    @property
    def lifetime(self) -> Lifetime:
        """What remains of the session at this moment."""
        return self.ends.at(self._clock(), warn=self._warn)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("A session is immutable.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("A session is immutable.")

    def __bool__(self) -> bool:
        return self._token is not None

    def __repr__(self) -> str:
        return f"<Session {self.id}>" if self else "<Session of nobody>"

    def __html__(self) -> str:
        """What ``{{ current_session }}`` and JSON show: the id, never a token."""
        return f"Session {self.id}" if self else "No session"


NO_SESSION = Session()
