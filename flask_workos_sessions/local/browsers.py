"""WorkOS's own cookie: who is signed in at AuthKit in which browser."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field


@dataclass(frozen=True)
class BrowserSession:
    """A person at AuthKit in one browser; ``authenticated_at`` in seconds since the epoch."""

    user_id: str
    authenticated_at: float
    method: str
    impersonator: dict[str, str | None] | None = field(default=None, repr=False)


class Browsers:
    """The browsers that AuthKit knows, by the value of its cookie."""

    def __init__(self) -> None:
        self._sessions: dict[str, BrowserSession] = {}
        self._invitations: dict[str, BrowserSession] = {}

    def remember(self, session: BrowserSession) -> str:
        """Keep a session, and return the cookie's value for it."""
        value = secrets.token_urlsafe(32)
        self._sessions[value] = session
        return value

    def find(self, value: str | None) -> BrowserSession | None:
        """The session of this cookie value, or ``None``."""
        return self._sessions.get(value) if value else None

    def forget(self, value: str | None) -> None:
        """Sign this browser out of AuthKit."""
        if value:
            self._sessions.pop(value, None)

    def offer(self, session: BrowserSession) -> str:
        """A value that a browser can take up once, as a link from WorkOS's dashboard is."""
        value = secrets.token_urlsafe(32)
        self._invitations[value] = session
        return value

    def take_up(self, value: str) -> BrowserSession | None:
        """What was offered, once."""
        return self._invitations.pop(value, None)
