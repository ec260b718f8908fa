"""LocalWorkOS: WorkOS's AuthKit as an HTTP server on loopback, for development and tests.

Nothing in the extension falls back to it: an application talks to it only when
``WORKOS_BASE_URL`` says so.
"""

from __future__ import annotations

from .answers import ApiError
from .clock import MovableClock
from .delivery import Delivery
from .directory import UnknownName
from .events import LocalEvent
from .held_webhooks import HeldWebhooks
from .journal import RecordedExchange, RecordedRequest
from .local_workos import LocalWorkOS
from .membership import LocalMembership
from .organization import LocalOrganization
from .role import LocalRole
from .sessions import LocalSession
from .signature import sign
from .user import LocalUser
from .webhook import LocalWebhook

__all__ = [
    "ApiError",
    "Delivery",
    "HeldWebhooks",
    "LocalEvent",
    "LocalMembership",
    "LocalOrganization",
    "LocalRole",
    "LocalSession",
    "LocalUser",
    "LocalWebhook",
    "LocalWorkOS",
    "MovableClock",
    "RecordedExchange",
    "RecordedRequest",
    "UnknownName",
    "sign",
]
