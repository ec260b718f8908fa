"""The settings for what WorkOS tells of: webhooks, and the Events API."""

from __future__ import annotations

from dataclasses import dataclass

from . import validators
from .setting import setting


@dataclass(frozen=True, repr=False, kw_only=True)
class EventSettings:
    """The part of :class:`~flask_workos_sessions.settings.Settings` about WorkOS's events."""

    webhook_secret: str | None = setting(
        validators.text,
        None,
        "The secret of the webhook endpoint at WorkOS. Unset: our webhook route answers 404.",
        secret=True,
    )
    webhook_secret_fallbacks: tuple[str, ...] = setting(
        validators.texts,
        (),
        "Other secrets whose signatures are accepted too.",
        secret=True,
    )
    events_interval: int = setting(
        validators.positive_seconds,
        10,
        "Seconds between two questions of `flask workos events` for what has happened.",
    )
    events_types: tuple[str, ...] = setting(
        validators.event_types,
        (),
        "Types of events that `flask workos events` reads for your own receivers, beside those "
        "that we act upon.",
    )
    end_sessions_on_password_reset: bool = setting(
        validators.flag, False, "End all sessions of somebody who has set a new password."
    )
