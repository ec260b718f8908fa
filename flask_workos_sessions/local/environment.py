"""One WorkOS environment: all that the endpoints look at and change."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .browsers import Browsers
from .codes import Codes
from .directory import Directory
from .events import Events
from .faults import Faults
from .journal import Journal
from .keys import SigningKeys
from .sessions import Sessions
from .user import LocalUser
from .webhooks import Webhooks

#: What :meth:`Environment.set_clocks` sets.
CLOCKS = ("access_token_seconds", "inactivity_timeout", "grace_seconds", "max_length")


class Environment:
    """The state behind the endpoints. Whoever reads or changes it holds ``lock``."""

    def __init__(
        self,
        *,
        client_id: str | None,
        api_key: str | None,
        clock: Callable[[], float],
        access_token_seconds: int,
        max_length: float,
        inactivity_timeout: float | None,
        grace_seconds: float,
        redirect_uris: Iterable[str],
        logout_uris: Iterable[str],
        webhook_delays: Iterable[float],
    ) -> None:
        self.lock = threading.RLock()
        self.client_id = client_id or f"client_{secrets.token_hex(13).upper()}"
        self.api_key = api_key or f"sk_test_{secrets.token_urlsafe(32)}"
        self.control_secret = secrets.token_urlsafe(32)
        self.clock = clock
        self.access_token_seconds = access_token_seconds
        self.redirect_uris = list(redirect_uris)
        self.logout_uris = list(logout_uris)
        self.jwt_template: dict[str, Any] = {}
        #: Where the server listens, without a trailing slash; set when it has a port.
        self.url = ""
        self.events = Events(clock, self.client_id)
        self.directory = Directory(clock, self.events)
        self.keys = SigningKeys()
        self.sessions = Sessions(
            clock,
            self.events,
            max_length=max_length,
            inactivity_timeout=inactivity_timeout,
            grace_seconds=grace_seconds,
        )
        self.codes = Codes()
        self.pending = Codes()
        self.browsers = Browsers()
        self.journal = Journal()
        self.faults = Faults()
        self.webhooks = Webhooks(clock, self.lock, webhook_delays)
        self.events.heard = self.webhooks.hear

    def remove_user(self, who: LocalUser | str) -> None:
        """Delete a person: their sessions end, with them their memberships."""
        gone = self.directory.user(who)
        self.sessions.revoke_all_of(gone.id)
        self.directory.remove_user(gone)

    def set_clocks(self, seconds: Mapping[str, Any]) -> None:
        """Change ``access_token_seconds``, ``inactivity_timeout`` (``None``: off),
        ``grace_seconds`` or ``max_length``.

        :raises ValueError: another name; then nothing is changed.
        """
        for name in seconds:
            if name not in CLOCKS:
                raise ValueError(f"There is no clock {name!r}.")
        for name, value in seconds.items():
            setattr(self if name == "access_token_seconds" else self.sessions, name, value)

    @property
    def issuer(self) -> str:
        """The ``iss`` of access tokens, in the form of newer WorkOS environments."""
        return f"{self.url}/user_management/{self.client_id}"

    @property
    def browser_cookie(self) -> str:
        """The name of AuthKit's own cookie. Cookies know no ports, so it differs per client."""
        digest = hashlib.sha256(self.client_id.encode()).hexdigest()
        return f"workos-local-{digest[:8]}"
