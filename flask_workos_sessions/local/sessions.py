"""The sessions at WorkOS: their three clocks, and the refresh tokens that keep them alive."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .answers import oauth_error
from .events import Events
from .identifiers import iso, new_id

#: WorkOS ends an impersonated session after 60 minutes (seconds; workos.md §2.4).
IMPERSONATION_MAX_LENGTH = 3600

#: How an authentication method is called in a session object (workos.md §4).
_AUTH_METHODS = {
    "SSO": "sso",
    "Password": "password",
    "MagicAuth": "magic_code",
    "Passkey": "passkey",
    "Impersonation": "impersonation",
}


@dataclass
class LocalSession:
    """One session. Times are seconds since the epoch; ``status`` is as WorkOS has it."""

    id: str
    user_id: str
    organization_id: str | None
    authentication_method: str
    authenticated_at: float
    created_at: float
    refreshed_at: float
    expires_at: float
    status: str = "active"
    ended_at: float | None = None
    ip_address: str | None = field(default=None, repr=False)
    user_agent: str | None = field(default=None, repr=False)
    impersonator: dict[str, str | None] | None = field(default=None, repr=False)

    def as_json(self) -> dict[str, Any]:
        """The session object of WorkOS's API."""
        body: dict[str, Any] = {
            "object": "session",
            "id": self.id,
            "user_id": self.user_id,
            "organization_id": self.organization_id,
            "ip_address": self.ip_address,
            "user_agent": self.user_agent,
            "auth_method": _AUTH_METHODS.get(self.authentication_method, "oauth"),
            "status": self.status,
            "expires_at": iso(self.expires_at),
            "ended_at": None if self.ended_at is None else iso(self.ended_at),
            "created_at": iso(self.created_at),
            "updated_at": iso(max(self.refreshed_at, self.ended_at or 0)),
        }
        if self.impersonator is not None:
            body["impersonator"] = dict(self.impersonator)
        return body


@dataclass
class RefreshToken:
    """A refresh token; once exchanged, ``answer`` is what a replay within the grace gets."""

    session_id: str
    exchanged_at: float | None = None
    answer: dict[str, Any] | None = field(default=None, repr=False)


class Sessions:
    """All sessions of one LocalWorkOS; beginnings and revocations are noted in ``events``.

    ``max_length``, ``inactivity_timeout`` (``None``: off) and ``grace_seconds`` are in seconds and
    may be changed at any time; a maximum length holds for sessions that begin afterwards.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        events: Events,
        *,
        max_length: float,
        inactivity_timeout: float | None,
        grace_seconds: float,
    ) -> None:
        self._clock = clock
        self._events = events
        self.max_length = max_length
        self.inactivity_timeout = inactivity_timeout
        self.grace_seconds = grace_seconds
        self._sessions: dict[str, LocalSession] = {}
        self._tokens: dict[str, RefreshToken] = {}

    def start(
        self,
        user_id: str,
        organization_id: str | None,
        *,
        method: str,
        authenticated_at: float,
        impersonator: dict[str, str | None] | None = None,
        ip_address: str | None = None,
        user_agent: str | None = None,
    ) -> LocalSession:
        """Begin a session: all three clocks start now."""
        now = self._clock()
        length = min(self.max_length, IMPERSONATION_MAX_LENGTH) if impersonator else self.max_length
        session = LocalSession(
            id=new_id("session", now),
            user_id=user_id,
            organization_id=organization_id,
            authentication_method="Impersonation" if impersonator else method,
            authenticated_at=authenticated_at,
            created_at=now,
            refreshed_at=now,
            expires_at=now + length,
            ip_address=ip_address,
            user_agent=user_agent,
            impersonator=impersonator,
        )
        self._sessions[session.id] = session
        self._events.note("session.created", session.as_json())
        return session

    def find(self, session_id: str) -> LocalSession | None:
        """The session with its present status, or ``None``."""
        session = self._sessions.get(session_id)
        if session is not None:
            self._let_expire(session)
        return session

    def all(self) -> list[LocalSession]:
        """Every session that ever began, oldest first, with its present status."""
        for session in self._sessions.values():
            self._let_expire(session)
        return list(self._sessions.values())

    def active_of(self, user_id: str) -> list[LocalSession]:
        """A person's active sessions, newest first."""
        mine = [s for s in self.all() if s.user_id == user_id and s.status == "active"]
        return mine[::-1]

    def revoke(self, session_id: str) -> bool:
        """End a session; ``False`` when it is unknown or over already."""
        session = self.find(session_id)
        if session is None or session.status != "active":
            return False
        session.status, session.ended_at = "revoked", self._clock()
        self._events.note("session.revoked", session.as_json())
        return True

    def revoke_all_of(self, user_id: str) -> None:
        """A person is about to be deleted: WorkOS's events show their sessions as active still
        (workos.md §5)."""
        for session in self.active_of(user_id):
            self._events.note("session.revoked", session.as_json())
            session.status, session.ended_at = "revoked", self._clock()

    def new_refresh_token(self, session: LocalSession) -> str:
        """A refresh token of this session."""
        token = secrets.token_urlsafe(18)[:24]
        self._tokens[token] = RefreshToken(session.id)
        return token

    def redeem(self, token: str) -> tuple[LocalSession, dict[str, Any] | None]:
        """The session of a refresh token, and the earlier answer when this is a replay.

        Each exchange retires its token. Within ``grace_seconds`` the retired token gets the same
        pair again (workos.md §2.3).

        :raises ApiError: ``invalid_grant``: unknown, exchanged before, or its session is over.
        """
        known = self._tokens.get(token)
        session = self.find(known.session_id) if known is not None else None
        if known is None or session is None:
            raise oauth_error("invalid_grant", "Invalid refresh token.")
        if session.status != "active":
            raise oauth_error("invalid_grant", "Session has already ended.")
        if known.exchanged_at is None:
            return session, None
        age = self._clock() - known.exchanged_at
        if not self.grace_seconds or age > self.grace_seconds:
            known.answer = None
            raise oauth_error("invalid_grant", "Refresh token already exchanged.")
        return session, known.answer

    def retire(self, token: str, answer: dict[str, Any]) -> None:
        """A refresh token was exchanged for ``answer``: its session lives on from now."""
        known = self._tokens[token]
        known.exchanged_at, known.answer = self._clock(), answer

    def _let_expire(self, session: LocalSession) -> None:
        if session.status != "active":
            return
        end = session.expires_at
        if self.inactivity_timeout is not None:
            end = min(end, session.refreshed_at + self.inactivity_timeout)
        if self._clock() >= end:
            session.status, session.ended_at = "expired", end
