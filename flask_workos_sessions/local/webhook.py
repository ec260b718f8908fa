"""A webhook endpoint: where an application wants to hear of events."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..validators import is_loopback


@dataclass(eq=False)
class LocalWebhook:
    """An endpoint at ``url`` for these ``events``; ``None``: for all. ``secret`` signs."""

    url: str
    events: frozenset[str] | None = None
    secret: str = field(default="", repr=False)
    enabled: bool = True

    def listens_to(self, event: str) -> bool:
        """Whether an event of this name is sent here."""
        return self.enabled and (self.events is None or event in self.events)


def new_webhook(url: str, events: Iterable[str] | None, secret: str | None) -> LocalWebhook:
    """An endpoint, with a new secret unless one is given.

    :raises ValueError: the address is not on this machine (security S8), or the secret is blank.
    """
    if isinstance(events, str):
        raise ValueError("events is a list of names.")
    if secret is not None and not secret.strip():
        raise ValueError("A webhook's secret must not be blank.")
    check_address(url)
    names = None if events is None else frozenset(events)
    return LocalWebhook(url, names, secret or f"whsec_{secrets.token_urlsafe(32)}")


def check_address(url: str) -> None:
    """Refuse an address that a webhook must not be sent to.

    :raises ValueError: not ``http`` or ``https`` to this machine.
    """
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("The address of a webhook must be printable ASCII, without spaces.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(
            "The address of a webhook must be such as http://127.0.0.1:5000/auth/webhook."
        ) from None
    if parts.scheme not in ("http", "https") or not is_loopback(parts.hostname or ""):
        raise ValueError(
            "LocalWorkOS sends webhooks to this machine only: use 127.0.0.1 or localhost."
        )
    if parts.username is not None or port == 0:
        raise ValueError("The address of a webhook must have no user name, and no port 0.")
